"""Broken and hostile files of every kind that gpproxy reads: each ends in a sentence, or is accepted.

In: kinds of files, a number and a seed. Out: how many were refused and accepted, and every fault: another exception
than those of gpproxy, a sentence that does not name the file, a hang, much memory, a file written or touched.
"""

from __future__ import annotations

import csv
import io
import json
import random
import resource
import shutil
import signal
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import gpproxy
from gpproxy.benchmarks import registry as benchmarks
from gpproxy.errors import GPProxyError
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.export.read import load_proxy
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.images.folder import read_folder
from gpproxy.images.paired import load_pairs
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Setup
from gpproxy.proxies.size import Sizer
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
from gpproxy.search.order import rank
from gpproxy.search.settings import SearchSettings
from gpproxy.search.store import NAME as CANDIDATES
from gpproxy.search.store import Store
from gpproxy.search.strategies import Evolution
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics.statistic import STATISTICS
from gpproxy.training.checkpoint import load_state, load_weights
from gpproxy.training.journal import Journal
from gpproxy.training.outcome import outcome
from tests.campaign.mutate import mutated

#: Seconds and bytes that reading one file may take.
SECONDS, MEMORY = 20, 1 << 30
#: What code inside a file would touch.
MARK = "code-has-run"


class Hang(BaseException):
    """The time is over."""


@dataclass
class Found:
    """What became of the files of a kind.

    Attributes:
        counts: refused, accepted, fault.
        faults: what happened -> the first file that showed it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: what it is called.
        files: valid files of the kind, below `folder`; one of them is changed at a time.
        read: reads what lies in the folder; told which file was changed.
        named: whether a refusal has to name the file; a text that is no file has no name.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]
    read: Callable[[Path], Any]
    named: bool = True


@contextmanager
def limited() -> Iterator[None]:
    """Raises Hang where the time is over."""

    def over(number: int, frame: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def campaign(kind: Kind, count: int, seed: int = 0) -> Found:
    """Changes a file of the kind so many times and reads it each time; the valid files are back at the end."""
    found, rng = Found(), random.Random(f"{kind.name} {seed}")
    valid = {path: path.read_bytes() for path in kind.files}
    for path in valid:
        kind.read(path)
    around = kind.folder.parent
    before = listing(around)
    mark = around / MARK
    for _ in range(count):
        path = rng.choice(kind.files)
        content = mutated(valid[path], rng, str(mark))
        path.write_bytes(content)
        word = outcome_of(kind, path, content == valid[path])
        if mark.exists():
            word = "fault: code was run"
            mark.unlink()
        if (now := listing(around)) != before:
            word = f"fault: files were written or removed: {sorted(now ^ before)[:3]}"
        path.write_bytes(valid[path])
        found.counts[word.partition(":")[0]] += 1
        if word.startswith("fault"):
            found.faults.setdefault(f"{path.name}: {word.partition(': ')[2]}", content)
    return found


def outcome_of(kind: Kind, path: Path, same: bool) -> str:
    """`refused`, `accepted` or `fault: ...` of the file as it lies there."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with limited():
            kind.read(path)
    except GPProxyError as error:
        text = str(error)
        if kind.named and not any(one.name in text for one in kind.files):
            return f"fault: the refusal names no {path.name}: {text[:200]}"
        if not text.rstrip().endswith((".", "?", "'", ")", "!", '"')) and "\n" not in text:
            return f"fault: no sentence: {text[:200]}"
        return "fault: it refuses its own file" if same else "refused"
    except Hang:
        return "fault: it hangs"
    except Exception as error:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        line = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else ""
        return f"fault: {type(error).__name__} at {line}"
    if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most) * 1024 > MEMORY:
        return "fault: much memory"
    return "accepted"


def listing(folder: Path) -> set[str]:
    """All files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class Kinds:
    """All kinds, their valid files made below a folder by the commands themselves."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __iter__(self) -> Iterator[Kind]:
        yield self.table
        yield self.config
        yield self.formula
        yield from self.evolve
        yield self.state
        yield from self.search
        yield from self.training
        yield self.proxy_file
        yield self.image
        yield self.pairs

    def _place(self, name: str) -> Path:
        place = self.folder / name / "files"
        place.mkdir(parents=True)
        return place

    @cached_property
    def table(self) -> Kind:
        """A table with its card, from the shipped one."""
        place = self._place("table")
        source = Path(benchmarks.__file__).with_name("autogan-cifar10.csv")
        rows = source.read_text().splitlines()
        (place / "table.csv").write_text("\n".join(rows[:25]) + "\n")
        shutil.copyfile(source.with_suffix(".toml"), place / "table.toml")
        files = (place / "table.csv", place / "table.toml")
        return Kind("table", place, files, lambda path: benchmarks.load(str(files[0])))

    @cached_property
    def config(self) -> Kind:
        """Settings of the commands."""
        place = self._place("config")
        kinds = {"evolve.toml": EvolveSettings(), "search.toml": SearchSettings(proxy=("params",))}
        for name, settings in kinds.items():
            (place / name).write_text(settings.to_toml())
        files = tuple(place / name for name in kinds)
        return Kind("config", place, files, lambda path: type(kinds[path.name]).from_toml(path))

    @cached_property
    def formula(self) -> Kind:
        """Texts of formulas."""
        place = self._place("formula")
        texts = (
            "sum_layers(layer_snip) - total_params", "log(max_layers(std(activation))) * square(mean_late(channels))",
            "trace(jacobian_gram) / (1 + sqrt(total_macs))", "min_layers(mean(abs(gradient))) + 0.5",
        )  # fmt: skip
        files = []
        for number, text in enumerate(texts):
            files.append(place / f"formula{number}.txt")
            files[-1].write_text(text)
        grammar = Grammar({s.name: s.type for s in STATISTICS.values()})

        def read(path: Path) -> None:
            text = path.read_bytes().decode(errors="surrogateescape")
            made = to_text(parse(text, grammar))
            assert to_text(parse(made, grammar)) == made

        return Kind("formula", place, tuple(files), read, named=False)

    @cached_property
    def evolve(self) -> tuple[Kind, ...]:
        """What a run leaves."""
        from tests.commands import small

        place = self.folder / "evolve" / "run"
        from gpproxy.evolve import run as evolve

        evolve(small(place, generations=2, population=12, random_search=False, proxies="none"))
        names = ("config.toml", "result.json", "front.json", "journal.jsonl", "scores.csv", "environment.json")

        def read(path: Path) -> None:
            run = gpproxy.load_run(place)
            repr(run), str(run.result), run.result._repr_html_()

        return (Kind("run", place, tuple(place / name for name in names), read),)

    @cached_property
    def state(self) -> Kind:
        """The state that an evolution is continued from."""
        from tests.evolution.toy import problem

        place = self._place("state")
        (place / "config.toml").write_text(EvolveSettings().to_toml())
        folder = EvolveFolder.open(place)
        settings = EvolutionSettings(population=8, islands=1, generations=1)
        made = problem()
        from gpproxy.evolution.loop import evolve

        *_, last = evolve(made, settings)
        file = place / "state.json"
        file.write_text(last.state.to_json())
        return Kind("state", place, (file,), lambda path: folder.state(made, settings))

    @cached_property
    def search(self) -> tuple[Kind, ...]:
        """What a search leaves."""
        from gpproxy.search import run

        place = self.folder / "search" / "run"
        settings = ("width=4", "resolution=16")
        how = {"space": "autogan", "space_settings": settings, "strategy": "evolution", "population": 4}
        with mock.patch("gpproxy.search.store.SAVE", 0.0):  # a state after every batch
            run(SearchSettings(**how, proxy=("params",), budget=40, tournament=2, out=str(place)))
        old = self.folder / "old search" / "run"
        shutil.copytree(place, old)
        (old / CANDIDATES).unlink()  # as of version 0.2.0
        names = ("config.toml", "result.json", "journal.jsonl", "environment.json")
        space = make_space("autogan", {"width": 4, "resolution": 16})
        setup = Setup("autogan", tuple(asdict(space.settings).items()), (Proxy.load("params"),))
        sizer = Sizer(space)

        def read(path: Path) -> None:
            run = gpproxy.load_run(path.parent)
            repr(run), list(run.candidates), run.candidates.cloud("macs", 5, 3)

        def goes_on(path: Path) -> None:
            read(path)
            with Store.open(path, 1) as store:
                for _ in search(Evolution(space, 0, 4, 2), ProxyEstimator(setup), sizer, Limits(), 40, store=store):
                    pass
                rank(store)
                list(store.notes()), list(store.problems())

        return (
            Kind("search", place, tuple(place / name for name in names), read),
            Kind("search table", old, (old / "ranking.csv",), read),
            Kind("search store", place, (place / CANDIDATES,), goes_on),
        )

    @cached_property
    def training(self) -> tuple[Kind, ...]:
        """What a training leaves."""
        from gpproxy.train import TrainSettings, run

        place = self.folder / "training" / "run"
        run(TrainSettings(arch="autogan-a", data="shapes", steps=4, batch=4, width=4, resolution=16, limit=40,
                          extractor="none", samples=20, space_settings=("latent=8",), 
                          recipe_settings=("recalibrate=2",), out=str(place)))  # fmt: skip

        def parts(path: Path) -> None:
            if path.name == "last.pt":
                load_state(place)
            elif path.name == "best.safetensors":
                load_weights(path)
            elif path.name == "metrics.jsonl":
                Journal(place).read()
            else:
                outcome(place)

        names = ("outcome.json", "metrics.jsonl", "best.safetensors", "last.pt")
        return (
            Kind("training", place, tuple(place / name for name in names if (place / name).is_file()), parts),
            Kind("generator", place, (place / "config.toml", place / "best.safetensors"),
                 lambda path: gpproxy.load_generator(place)),
        )  # fmt: skip

    @cached_property
    def proxy_file(self) -> Kind:
        """An exported proxy, read as data."""
        place = self._place("proxy")
        gpproxy.load_proxy("sum_layers(layer_snip) - total_params").save(place / "proxy.py")
        return Kind("proxy.py", place, (place / "proxy.py",), load_proxy)

    @cached_property
    def image(self) -> Kind:
        """Images of many modes and formats, each alone in its folder."""
        from PIL import Image

        place = self._place("image")
        rng, files = random.Random(0), []
        for mode, ending in (
            ("RGB", "png"), ("RGBA", "png"), ("L", "png"), ("LA", "png"), ("P", "png"), ("1", "png"), ("I;16", "png"),
            ("RGB", "jpg"), ("CMYK", "jpg"), ("L", "jpg"), ("RGB", "webp"), ("RGBA", "webp"), ("RGB", "tif"),
            ("I;16", "tif"), ("P", "gif"), ("RGB", "bmp"),
        ):  # fmt: skip
            colours = Image.frombytes("RGB", (12, 9), rng.randbytes(12 * 9 * 3))
            image = colours.convert("L").convert("I").convert("I;16") if mode == "I;16" else colours.convert(mode)
            one = place / f"{mode.replace(';', '')}-{ending}"
            one.mkdir()
            files.append(one / f"one.{ending}")
            image.save(files[-1])

        def read(path: Path) -> None:
            images = read_folder(path.parent, size=(8, 8)).images
            assert images.shape == (1, 3, 8, 8) and images.dtype == torch.uint8

        return Kind("image", place, tuple(files), read)

    @cached_property
    def pairs(self) -> Kind:
        """A zip file of side-by-side images."""
        from PIL import Image

        place = self._place("pairs")
        rng = random.Random(1)
        with zipfile.ZipFile(place / "pairs.zip", "w") as archive:
            for split in ("train", "test"):
                for number in range(3):
                    data = io.BytesIO()
                    Image.frombytes("RGB", (16, 8), rng.randbytes(16 * 8 * 3)).save(data, "png")
                    archive.writestr(f"{split}/{number}.png", data.getvalue())
        file = place / "pairs.zip"
        return Kind("zip of pairs", place, (file,), lambda path: load_pairs(str(path), "train", resolution=8))


def write_report(path: Path, results: dict[str, Found]) -> None:
    """One CSV row per kind."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("kind", "refused", "accepted", "fault"))
        for name, found in results.items():
            table.writerow((name, *(found.counts[word] for word in ("refused", "accepted", "fault"))))
    path.with_suffix(".json").write_text(
        json.dumps({name: {k: v[:400].decode("latin-1") for k, v in f.faults.items()} for name, f in results.items()})
    )
