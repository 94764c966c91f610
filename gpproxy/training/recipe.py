"""Recipes: every number that decides how a generator is trained, apart from the architecture, the images and the seed.

In: values, or changes of a recipe. Out: a frozen Recipe, checked. The presets stand with the tasks that they are for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gpproxy.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from typing_extensions import Self

#: Transformations that a recipe may name in `augment`, in the order in which they are applied.
AUGMENTATIONS = ("colour", "translation", "cutout")
LOSSES = ("hinge", "vanilla", "least-squares", "wasserstein", "relativistic")
DECAYS = ("linear", "late", "constant")
#: Discriminators that a recipe names; what is none of them is an architecture of `eagan-discriminator`.
GROWN, SIMPLE = "residual", "simple"


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Raises ConfigError where a value of a recipe is none of those that are known."""
    if value not in known:
        hint = did_you_mean(str(value), known)
        raise ConfigError(f"{name} of a recipe takes {', '.join(known)}, but got '{value}'.{hint}")


#: Marks a value that recipes have not always had.
LATER = "later"


def later(default: Any) -> Any:
    """A field that recipes have not always had: what was trained before was trained with its default."""
    return dataclasses.field(default=default, metadata={LATER: True})


@dataclass(frozen=True)
class Recipe:
    """How a generator is trained: what every task has in common.

    Attributes:
        steps: generator updates.
        batch: images per generator update.
        generator_rate: learning rate of the generator at the start.
        beta1: decay of Adam's mean of gradients.
        beta2: decay of Adam's mean of squared gradients.
        decay: of the learning rates to 0: linear, late (from half of the steps on), or constant for none.
        average: decay of the moving average of the generator per step, buffers included; 0 measures the last weights.
        flip: mirror half of the real images.
        checks: shares of the steps after which the networks are measured.
        collapse_spread: standard deviation over images, in units of [-1, 1], below which all images are one.
    """

    #: whether a loss on held-out images chooses the best check; images are then drawn after the last step alone
    chosen_by_loss: ClassVar[bool] = False

    steps: int = 5000
    batch: int = 64
    generator_rate: float = 1e-4
    beta1: float = 0.0
    beta2: float = 0.9
    decay: str = "linear"
    average: float = 0.999
    flip: bool = True
    checks: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    collapse_spread: float = 0.01

    def __post_init__(self) -> None:
        self._least(steps=1, batch=1, collapse_spread=0)
        self._positive("generator_rate")
        self._shares("checks")
        for name in ("beta1", "beta2", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"0 <= {name} < 1 must hold in a recipe, but got {name}={getattr(self, name)}.")
        one_of("decay", self.decay, DECAYS)

    def _least(self, **bounds: float) -> None:
        """Raises ConfigError for a value below its bound."""
        for name, least in bounds.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} >= {least} must hold in a recipe, but got {name}={getattr(self, name)}.")

    def _positive(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} > 0 must hold in a recipe, but got {name}={getattr(self, name)}.")

    def _shares(self, name: str) -> None:
        shares = getattr(self, name)
        if list(shares) != sorted(set(shares)) or not all(0 < share <= 1 for share in shares):
            raise ConfigError(f"{name} are rising shares of the steps, such as 0.5,1.0, but got {shares}.")

    @property
    def images_per_step(self) -> int:
        """Real images that a step learns from."""
        return self.batch

    @property
    def check_steps(self) -> tuple[int, ...]:
        """Numbers of steps after which the networks are measured, rising; the last is `steps`."""
        return tuple(sorted({max(round(share * self.steps), 1) for share in self.checks} | {self.steps}))

    @property
    def image_steps(self) -> tuple[int, ...]:
        """Those of `check_steps` after which images are drawn and measured: all, or the last where a loss chooses."""
        return (self.steps,) if self.chosen_by_loss else self.check_steps

    def rate(self, step: int) -> float:
        """Factor of the learning rates in step `step`, counted from 0."""
        left = 1 - step / self.steps
        return {"linear": left, "late": min(2 * left, 1.0), "constant": 1.0}[self.decay]

    def to_json(self) -> dict[str, Any]:
        """The values as JSON; those that came later only where they are not the default, as older files are read."""
        told = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not field.metadata.get(LATER) or getattr(self, field.name) != field.default
        }
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    def changed(self, **changes: Any) -> Self:
        """The recipe with other values; one that comes from a command line may be a text.

        Raises ConfigError for an unknown name and for an impossible value.
        """
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for key in changes:
            if key not in known:
                raise ConfigError(f"A recipe has no '{key}'.{did_you_mean(key, known)} Known: {', '.join(known)}.")
        return dataclasses.replace(self, **{key: _as(known[key], value, key) for key, value in changes.items()})


@dataclass(frozen=True)
class AdversarialRecipe(Recipe):
    """How a generator and a discriminator learn from each other; `batch` counts generated images.

    Attributes:
        critic_batch: real images, and as many generated ones, per discriminator update.
        critic_steps: discriminator updates before each generator update.
        discriminator_rate: learning rate of the discriminator at the start.
        loss: hinge (Lim & Ye, 2017), vanilla (Goodfellow et al., 2014, non-saturating), least-squares (Mao et al.,
            2017), wasserstein (Arjovsky et al., 2017) or relativistic (Jolicoeur-Martineau, 2019).
        gradient_penalty: weight of the penalty on the discriminator's gradient between images (published for
            wasserstein: 10, without spectral norm); 0 for none.
        spectral_norm: whether the discriminator's layers are divided by their spectral norms.
        share: judge the images of the last discriminator update again in the generator update, instead of fresh ones;
            takes equal batches.
        discriminator: residual, which grows; simple (five convolutions; Ying et al., 2022); or an architecture of the
            space eagan-discriminator, its code or published name.
        augment: transformations of all images that the discriminator sees (Zhao et al., 2020).
        growth: shares of the steps after which the discriminator gains a stage; empty trains all of it at once.
        discriminator_width: channels of the discriminator; 0 takes the width of the generator.
        recalibrate: batches of noise that set the BatchNorm statistics before images are measured; 0 keeps the
            averaged ones.
        collapse_loss: discriminator loss below which the discriminator has won; 0 never stops a run.
        collapse_steps: steps in a row below `collapse_loss` that end a run; a quarter of `steps` where that is less.
    """

    critic_batch: int = 64
    critic_steps: int = 1
    discriminator_rate: float = 4e-4
    loss: str = "hinge"
    gradient_penalty: float = later(0.0)
    spectral_norm: bool = later(True)
    share: bool = True
    augment: tuple[str, ...] = ("translation", "cutout")
    discriminator: str = later(GROWN)
    growth: tuple[float, ...] = ()
    discriminator_width: int = 0
    recalibrate: int = 16
    collapse_loss: float = 0.02
    collapse_steps: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        self._least(critic_batch=1, critic_steps=1, discriminator_width=0, recalibrate=0)
        self._least(collapse_loss=0, collapse_steps=1, gradient_penalty=0)
        self._positive("discriminator_rate")
        self._shares("growth")
        one_of("loss", self.loss, LOSSES)
        if self.growth and self.discriminator != GROWN:
            raise ConfigError(
                f"Only discriminator={GROWN} grows, but got discriminator={self.discriminator}: set growth=none."
            )
        if self.loss == "wasserstein" and self.collapse_loss:
            raise ConfigError(
                "The loss wasserstein falls below 0 as the discriminator learns, so it cannot tell a collapse: set "
                f"collapse_loss=0, but got {self.collapse_loss:g}."
            )
        for one in self.augment:
            one_of("augment", one, AUGMENTATIONS)
        if self.share and self.batch != self.critic_batch:
            raise ConfigError(
                f"share=true takes equal batches, but got batch={self.batch} and critic_batch={self.critic_batch}. "
                "Make them equal, or set share=false."
            )

    @property
    def images_per_step(self) -> int:
        return self.critic_steps * self.critic_batch

    def stage(self, step: int, stages: int) -> int:
        """Stage of growth of a discriminator with `stages` stages in step `step`, counted from 0."""
        ahead = sum(step < share * self.steps for share in self.growth)
        return max(stages - 1 - ahead, 0)

    def changed(self, **changes: Any) -> Self:
        """As of every recipe; where images are judged twice (`share`), a changed `batch` is also `critic_batch`."""
        if "batch" in changes and _as(self.share, changes.get("share", self.share), "share"):
            changes.setdefault("critic_batch", changes["batch"])
        return super().changed(**changes)


@dataclass(frozen=True)
class SharedRecipe(AdversarialRecipe):
    """How weights that many architectures share are trained.

    Attributes:
        warm_up: share of the steps in which architectures are drawn uniformly; after it, where the strategy evolution
            or nsga2 searches, those of its population are trained, which has new generations between the steps. With
            1 all weights are trained first.
    """

    warm_up: float = later(1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.warm_up <= 1:
            raise ConfigError(f"0 <= warm_up <= 1 must hold in a recipe, but got warm_up={self.warm_up}.")


def _as(default: Any, value: Any, name: str) -> Any:
    """A value, or its text, as the type of the preset's value."""
    if isinstance(default, tuple):
        items = value.split(",") if isinstance(value, str) else [value] if isinstance(value, (int, float)) else value
        items = [str(item).strip() for item in items if str(item).strip()]
        if name == "augment":
            return tuple(one for one in AUGMENTATIONS if one in items) + tuple(
                one for one in items if one not in AUGMENTATIONS and one != "none"
            )
        return tuple(_number(float, item, name) for item in items if item != "none")
    if isinstance(default, bool):
        truth = {"true": True, "1": True, "false": False, "0": False}
        if str(value).lower() not in truth:
            raise ConfigError(f"{name} of a recipe is true or false, but got '{value}'.")
        return truth[str(value).lower()]
    return str(value) if isinstance(default, str) else _number(type(default), value, name)


def _number(kind: type, value: Any, name: str) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = None
    if number is None or (kind is int and number != float(value)):
        wanted = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{name} of a recipe is {wanted}, but got '{value}'.")
    return number
