"""Passes through an untrained generator: in go a network, a batch and a loss, out come full tensors.

A *layer* is one weighted operation (`gpproxy.recording`), in order of execution. The rectifier (ReLU and kin) that
feeds a layer, or else the one that it feeds, is attached to it. The network is left as it was found, whatever happens.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.utils.flop_counter import FlopCounterMode

from gpproxy.recording.seen import Seen
from gpproxy.search_spaces.batch import Batch
from gpproxy.seeds import seed_of
from gpproxy.statistics.absent import AbsentPass, passing
from gpproxy.statistics.plain_copy import plain_copy
from gpproxy.statistics.single_pass import Pass, backward, finite, forward, refuse_cut, wide, widened
from gpproxy.statistics.undisturbed import complete, ordinary, undisturbed, usable

Loss = Callable[[Tensor, Batch], Tensor]


class Passes:
    """All passes of one look at one network, run when first asked for.

    Everything random inside the network is drawn from the seed of the look, the shapes of the network's parameters and
    the pass: `noise` and what is compared with it draw alike, and nothing depends on what has run before.

    Args:
        network: untrained generator in training mode (batch norm runs on batch statistics). It is not changed; one with
            lazy layers is copied, and the copy's weights are drawn.
        batch: what the network is called with; only `wide` sees more than the first `NARROW` samples. What is
            perturbed, differentiated by and read is its visible tensor; others stay as they are. Every pass has its own
            copy.
        loss: `loss(outputs, batch)`, one number.
        generator: source of the perturbation, of the Jacobian directions and of the seed of the look.
        backward: whether the noise pass keeps gradients.

    Raises AbsentPass, with the reason, at a pass beyond `noise` and `wide` that the network does not allow.
    """

    #: Samples that every pass but the wide one sees.
    NARROW = 16
    #: Standard deviation of the perturbation, in units of the inputs' standard deviation.
    PERTURBATION = 0.1
    #: Jacobian directions per sample, and samples that they are tried on.
    DIRECTIONS, DIRECTION_SAMPLES = 4, 4
    #: What is drawn in the noise pass, and in all that must draw alike.
    PLAIN = "plain"

    def __init__(self, network: nn.Module, batch: Batch, loss: Loss, generator: torch.Generator, backward: bool = True):
        self.loss, self.backward = loss, backward
        self.wide_batch, self.batch = batch, batch.first(self.NARROW)
        #: the visible tensors, `sample x ...`
        self.wide_inputs, self.inputs = batch.visible, self.batch.visible
        inputs = self.inputs
        noise = torch.randn(inputs.shape, generator=generator, device=generator.device)
        shape = (self.DIRECTIONS, *inputs[: self.DIRECTION_SAMPLES].shape)
        self._noise = noise.to(inputs.device)
        directions = torch.randn(shape, generator=generator, device=generator.device)
        self._directions = directions.to(inputs)
        self._seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        self._given = network
        self.memo: dict[Any, Any] = {}  # results that several statistics share, and why passes are absent

    def of(self, network: nn.Module) -> Passes:
        """A look at another network with the same batch, probes and seed. None of its passes has run."""
        other = copy.copy(self)
        for name in ("network", "noise", "shapes", "seen", "wide", "perturbed", "ones", "input_gradient", "jacobian"):
            vars(other).pop(name, None)
        other._given, other.memo = network, {}
        return other

    @cached_property
    def network(self) -> nn.Module:
        """What is looked at: the network that was given, or a copy where that cannot be looked at as it is."""
        return complete(usable(self._given), self.batch.own().call, self._seed)

    def seed(self, draws: str) -> int:
        """The seed of what is drawn in a pass; equal names draw alike."""
        return seed_of(self._seed, self.shapes, draws)

    @cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        """Those of all parameters."""
        return [tuple(parameter.shape) for parameter in self.network.parameters()]

    def apart(
        self, draws: str, network: nn.Module | None = None, kept: bool = False
    ) -> AbstractContextManager[list[torch.Generator]]:
        """What stands around a pass through the network, or through a copy of it, in which what the pass changes can be
        `kept`. Inside, the network is called with `batch.own()`. Gives the generators that it can draw from."""
        return undisturbed(network or self.network, self.seed(draws), kept)

    def record(
        self,
        batch: Batch,
        draws: str,
        loss: Loss | None = None,
        network: nn.Module | None = None,
        linear: bool = False,
        kept: bool = False,
        activations: bool = True,
    ) -> Pass:
        """A recorded pass in the current gradient mode, see `forward` and `apart`; with a loss also `backward`."""
        network = network or self.network
        copied = kept  # what changes the network cannot be done twice
        while True:
            with self.apart(draws, network, kept) as generators:
                record = forward(network, batch, linear, copied, generators)
                if record.torn and not copied:
                    copied = True
                    continue
                if self.backward and loss is not None:
                    record = backward(record, loss(wide(record.output), batch.own()), activations)
                return widened(record)

    @contextmanager
    def beyond(self, name: str) -> Iterator[None]:
        """Around a pass that may be absent: whatever it raises becomes an AbsentPass, whose reason is kept, unless it
        comes from the machine."""
        if name in self.memo:
            raise AbsentPass(self.memo[name])
        try:
            with ordinary():
                yield
        except AbsentPass:
            raise
        except Exception as error:
            if passing(error):
                raise
            reason = (str(error) or "no reason given").strip().split("\n")[0].rstrip(".")
            self.memo[name] = f"This generator does not allow the {name}: {type(error).__name__}: {reason}."
            raise AbsentPass(self.memo[name]) from error

    def refuse_numbers(self, name: str) -> None:
        """Raises AbsentPass where the inputs cannot be moved or replaced by noise."""
        if not self.inputs.is_floating_point():
            reason = "its inputs are whole numbers, which cannot be moved a little"
            raise AbsentPass(f"This generator does not allow the {name}: {reason}.")

    @cached_property
    def noise(self) -> Pass:
        """The plain pass, with gradients when `backward` is set."""
        if not self.backward:
            with torch.no_grad():
                return self.record(self.batch, self.PLAIN)
        with torch.enable_grad():
            return self.record(self.batch, self.PLAIN, self.loss)

    @cached_property
    def seen(self) -> Seen:
        """How much of the network the plain pass has seen."""
        record = self.noise
        if record.recorder.unseen and not self.backward:  # which of them have an effect shows with gradients only
            with torch.enable_grad():
                record = self.record(self.batch.first(2), self.PLAIN)
        recorder = record.recorder
        missing = [recorder.parameters[i] for i in recorder.unseen]
        lost = recorder.lost_macs
        if missing:
            lost = max(lost, self._counted_macs() - record.macs)
        elif not lost:
            return Seen()
        whole = sum(p.numel() for i, (_, p) in enumerate(recorder.parameters) if i in recorder.seen)
        hidden = sum(p.numel() for _, p in missing)
        parameters, macs = whole / max(whole + hidden, 1), record.macs / max(record.macs + lost, 1)
        return Seen(parameters, macs, tuple(name for name, _ in missing))

    def _counted_macs(self) -> float:
        """Multiply-accumulates for one sample by torch's own counter, 0 where that does not run."""
        few = self.batch.first(2)
        try:
            with torch.no_grad(), self.apart(self.PLAIN), FlopCounterMode(display=False) as counter:
                few.own().call(self.network)
        except Exception as error:
            if passing(error):
                raise
            return 0.0
        return counter.get_total_flops() / 2 / len(few)

    @cached_property
    def wide(self) -> Pass:
        """The whole batch, forward only: for what needs more samples than gradients do."""
        with torch.no_grad():
            return self.record(self.wide_batch, self.PLAIN)

    @cached_property
    def perturbed(self) -> Pass:
        """The same batch plus Gaussian noise, forward only; what is random inside is drawn as in the plain pass."""
        with self.beyond("perturbed pass"), torch.no_grad():
            self.refuse_numbers("perturbed pass")
            inputs = wide(self.inputs)
            moved = inputs + self.PERTURBATION * inputs.std() * self._noise.to(inputs)
            return self.record(self.batch.with_visible(moved.to(self.inputs)), self.PLAIN)

    @cached_property
    def ones(self) -> Pass:
        """The pass of SynFlow (Tanaka et al., 2020): |weights|, no norms, one all-ones input, float64; loss = sum.

        An output Tanh is bypassed too: it would saturate, and every gradient would be zero.
        """
        with self.beyond("all-ones pass"):
            self.refuse_numbers("all-ones pass")
            if not self.backward:
                raise AbsentPass("This look was made without backward passes, and the all-ones pass has one.")
            network = plain_copy(self.network).double().eval()
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.abs_()
            first = self.batch.first(1).each(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
            first = first.with_visible(torch.ones_like(first.visible))
            with torch.enable_grad():
                record = self.record(
                    first, "all-ones", lambda output, batch: output.sum(), network, True, kept=True, activations=False
                )
            gradients = [layer.weight_gradient for layer in record.layers if layer.weight_gradient is not None]
            if not all(map(finite, [record.output, *gradients])):
                raise AbsentPass(
                    "This generator does not allow the all-ones pass: its values leave the range of float64."
                )
            return record

    @cached_property
    def input_gradient(self) -> Tensor:
        """Gradient of the summed output with respect to the input, `sample x values`."""
        with self.beyond("pass of input gradients"):
            self.refuse_numbers("pass of input gradients")
            inputs = self.inputs.detach().clone().requires_grad_(True)
            with torch.enable_grad(), self.apart(self.PLAIN):
                total = wide(self.batch.own().with_visible(inputs).call(self.network)).sum()
                (gradient,) = torch.autograd.grad(total, inputs, allow_unused=True)
            return torch.zeros_like(inputs).flatten(1) if gradient is None else gradient.flatten(1)

    @cached_property
    def jacobian(self) -> Tensor:
        """Products of the output's Jacobian with seeded unit-variance directions, `direction x sample x outputs`, in
        forward mode, or in reverse where a part of the network has none; the directions share batch statistics and
        what is random."""
        with self.beyond("Jacobian pass"):
            self.refuse_numbers("Jacobian pass")
            few, directions = self.batch.first(self.DIRECTION_SAMPLES), self._directions
            # What is random differs from sample to sample, so that directions in one batch would see several networks.
            pieces = directions.split(1) if self.noise.random else (directions,)
            return torch.cat([self._products(few, piece) for piece in pieces])

    def _products(self, batch: Batch, directions: Tensor) -> Tensor:
        """`direction x sample x outputs`, of directions that are tried in one pass."""
        tiled = batch.samples(lambda tensor: tensor.repeat(len(directions), *[1] * (tensor.ndim - 1)))
        along = directions.flatten(0, 1)
        try:
            with torch.no_grad(), self.apart(self.PLAIN), forward_ad.dual_level():
                dual = forward_ad.make_dual(tiled.visible, along)
                output = tiled.own().with_visible(dual).call(self.network)
                tangent = forward_ad.unpack_dual(output).tangent
        except (NotImplementedError, RuntimeError):
            output, tangent = self._reverse_products(tiled, along)
        if tangent is None:
            tangent = torch.zeros_like(output)
        return tangent.reshape(len(directions), len(batch), -1)

    def _reverse_products(self, batch: Batch, along: Tensor) -> tuple[Tensor, Tensor | None]:
        """Output and product with the Jacobian, as the derivative of its transposed product, which is linear."""
        inputs = batch.visible.detach().clone().requires_grad_(True)
        with torch.enable_grad(), self.apart(self.PLAIN):
            output = batch.own().with_visible(inputs).call(self.network)
            if not output.requires_grad:
                return output, None
            weights = torch.zeros_like(output).requires_grad_(True)
            (back,) = torch.autograd.grad(output, inputs, weights, create_graph=True, allow_unused=True)
            if back is None or not back.requires_grad:
                return output.detach(), None
            refuse_cut([back])
            (product,) = torch.autograd.grad(back, weights, along, allow_unused=True)
        return output.detach(), product
