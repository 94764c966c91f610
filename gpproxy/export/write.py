"""A formula in, one Python file out that needs torch only: `score(generator, inputs) -> float`, with a self-check.

The file holds the real sources of what the formula uses and nothing else, so it computes what the engine computes.
"""

from __future__ import annotations

import platform
import pprint
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from deap import gp
from torch import Tensor, nn

import gpproxy
from gpproxy.errors import ExpressionError
from gpproxy.export import fixtures, runtime
from gpproxy.export.bundle import Bundle, Key
from gpproxy.export.committee import committee_code, mean_vote
from gpproxy.export.engine_value import engine_value
from gpproxy.export.formula_code import FormulaCode
from gpproxy.export.loss import add_loss, needs_targets
from gpproxy.expressions.nodes import Operation
from gpproxy.expressions.notation.mathematics import to_latex
from gpproxy.expressions.notation.words import in_words
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import to_text
from gpproxy.ranking.committee import votes
from gpproxy.search_spaces.batch import Batch
from gpproxy.seeds import seeded
from gpproxy.statistics import observe
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.exact import exact
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS

#: Names that the file defines itself.
OWN = (
    "FORMULA", "MEMBERS", "RANK_FORM", "LATEX", "PROVENANCE", "SPACE", "SEED", "SAMPLES", "INITS", "SIZES", "EXPECTED",
    "score", "formula", "self_check", "generator", "inputs", "loss", "seed", "look", "output", "probes",
    "given", "used", "batch", "network",
)  # fmt: skip

#: What a file checks itself on, by what is said of it.
FIXTURES = {
    "modules": fixtures.module_network,
    "functions": fixtures.functional_network,
    "tokens": fixtures.token_network,
}

Loss = Callable[[Tensor, Batch], Tensor]


def source(
    tree: gp.PrimitiveTree | Sequence[gp.PrimitiveTree],
    *,
    references: Sequence[Sequence[float]] = (),
    rank_form: gp.PrimitiveTree | None = None,
    space: str = "",
    seed: int = 0,
    samples: int = Collection.samples,
    inits: int = 1,
    sizes: Sizes | None = None,
    loss: Loss | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> str:
    """The text of the file.

    Args:
        tree: the formula, or those of a committee, whose score is the mean of its members' votes.
        references: of a committee, the scores of each member on what it has learnt from (`ranking.committee`).
        rank_form: the shorter formula that ranks alike, for the record.
        space: name of the search space; with the seed it fixes the random probes.
        seed: initialisation seed of the run, default of `score`.
        samples: batch size that the formula was evolved with, for the record.
        inits: initialisations that its scores were averaged over when it was tested, for the record.
        sizes: what cut statistics keep.
        loss: `loss(outputs, batch)` of the pass at initialisation, a function or the method of a space; its source is
            copied. By default L1 to inputs of the output's shape. Formulas without gradients need none. Of a loss that
            compares with targets the file asks whoever uses it for one that knows them.
        provenance: benchmark, seeds, correlations, ... as plain numbers, texts, lists and dicts; versions are added.
    """
    sizes = sizes or Sizes()
    trees = [tree] if isinstance(tree, gp.PrimitiveTree) else list(tree)
    used_statistics = list(dict.fromkeys(name for one in trees for name in needs(one)))
    missing = [name for name in used_statistics if name not in STATISTICS]
    if missing:
        raise ExpressionError(
            f"The formula uses '{missing[0]}', which is no registered statistic, so it cannot be exported."
        )
    backward = any(STATISTICS[name].backward for name in used_statistics)
    names = [f"formula_{i + 1}" for i in range(len(trees))] if references else ["formula"]
    bundle = Bundle(backward, (*OWN, *names))
    codes = [FormulaCode(one, bundle, name) for one, name in zip(trees, names)]
    used: list[Callable[..., Any]] = [Passes, Sizes, seeded, observe._dead]
    used += [exact, runtime.untrained, runtime.refuse_unusable, runtime.finite, runtime.batch_of]
    used += [runtime.checked_loss] if backward else []
    frame = [bundle.add(function) for function in used]
    asks = backward and loss is not None and needs_targets(loss)
    if asks:
        loss = runtime.loss_of_targets
    loss_key = add_loss(bundle, loss or runtime.l1_to_inputs) if backward else None
    fixture = [bundle.add(f) for f in (*FIXTURES.values(), fixtures.fixture_inputs)]
    vote = bundle.add(votes) if references else None
    bundle.settle()
    done: set[Key] = set()
    versions = {"gpproxy": gpproxy.__version__, "torch": torch.__version__, "python": platform.python_version()}
    record = _plain({**(provenance or {}), "versions": versions})
    chosen = None if asks else loss
    expected = [_expected(f(), trees, references, backward, chosen, space, seed, sizes) for f in FIXTURES.values()]
    own = [loss_key] if loss_key is not None else []
    parts = [
        _docstring(trees, rank_form, record, backward, space, seed, samples, inits),
        "\n".join(bundle.import_lines()),
        _constants(trees, references, rank_form, record, space, seed, samples, inits),
        _score(bundle, frame, loss_key, backward),
        *([] if vote is None else [committee_code(bundle.name(vote), names)]),
        *(code.text() for code in codes),
        *([] if vote is None else bundle.render([vote], done)),
        _section("The operations of the formula"),
        *bundle.render([key for code in codes for key in code.operations], done),
        _section("The statistics, and how a network is looked at"),
        *bundle.render([key for code in codes for key in code.statistics], done),
        *bundle.render([*frame, *own, *(key for code in codes for key in code.helpers)], done),
        f"SIZES = {sizes!r}",
        _section("The self-check"),
        *bundle.render(fixture, done),
        _self_check(bundle, fixture, expected, asks),
        'if __name__ == "__main__":\n    self_check()\n',
    ]
    return "\n\n\n".join(_joined(parts))


def _expected(
    network: nn.Module,
    trees: Sequence[gp.PrimitiveTree],
    references: Sequence[Sequence[float]],
    backward: bool,
    loss: Loss | None,
    space: str,
    seed: int,
    sizes: Sizes,
) -> tuple[float, str]:
    """The engine's value for a fixture, or the reason why there is none."""
    inputs = fixtures.fixture_inputs()
    probes = seeded(space, seed, "probes")
    with exact(), runtime.untrained(network):
        passes = Passes(network, Batch(inputs), loss or runtime.l1_to_inputs, probes, backward)
        values = [engine_value(tree, passes, sizes) for tree in trees]
    reason = next((told for _, told in values if told), "")
    if not references or reason:
        return values[0][0], reason
    return mean_vote([number for number, _ in values], references), ""


def _joined(parts: list[str]) -> list[str]:
    """The parts with neighbouring one-line definitions in one."""
    joined: list[str] = []
    for part in parts:
        if joined and all("\n" not in p and " = " in p for p in (joined[-1].rpartition("\n")[2], part)):
            if "\n" not in joined[-1] or all(" = " in line for line in joined[-1].split("\n")):
                joined[-1] += f"\n{part}"
                continue
        joined.append(part)
    return joined


def _section(title: str) -> str:
    return f"# --- {title}"


#: How a score is averaged as it was when the correlations below were measured.
_MEAN = """\
The correlations below are those of the mean over INITS = {inits} initialisations: for i in range(INITS) build the
generator anew, with other weights and inputs, and average score(generator, inputs, seed=SEED + i)."""


def _docstring(
    trees: Sequence[gp.PrimitiveTree],
    rank_form: gp.PrimitiveTree | None,
    record: Mapping[str, Any],
    backward: bool,
    space: str,
    seed: int,
    samples: int,
    inits: int,
) -> str:
    passes = "one forward and one backward pass" if backward else "forward passes only"
    committee = len(trees) > 1
    lines = [
        "A zero-cost proxy for untrained generators, found by gpproxy. Higher is better.",
        "",
        *(
            ["The mean of the places that each of these formulas gives it among what it has learnt from:", ""]
            * committee
        ),
        *(f"    {to_text(tree)}" for tree in trees),
        "",
        *([] if committee else textwrap.wrap(f"In words: {in_words(trees[0])}.", 116)),
        *([f"For ranking the same as: {to_text(rank_form)}"] if rank_form is not None else []),
        *([] if committee else [f"LaTeX: ${to_latex(trees[0])}$"]),
        "",
        "Use: `score(generator, inputs)` with a freshly initialised torch.nn.Module and a batch of inputs (found",
        f"with {samples}); it takes {passes}. The random probes are seeded by SPACE = {space!r} and seed = {seed}.",
        *dict.fromkeys(line for tree in trees for line in _fewest(tree)),
        *(_MEAN.format(inits=inits).split("\n") if inits > 1 else []),
        "`python proxy.py` checks this file against the values that gpproxy computes for three small fixed networks.",
        "",
        "Provenance:",
        *(f"    {name}: {value}" for name, value in record.items()),
    ]
    body = "\n".join(line.rstrip() for line in lines).replace('"""', "'''").replace("\\\n", "\n")
    return f'r"""{body}\n"""'


def _fewest(tree: gp.PrimitiveTree) -> list[str]:
    """What becomes of the formula where a network has too few layers for its layer reducers, if that can be."""
    found = [node.primitive for node in tree if isinstance(node, Operation) and node.primitive.over_layers]
    thirds = [reducer for reducer in found if reducer.region]
    few = "Made for networks of {} layers or more: {}."
    if any(reducer.least_layers > 1 for reducer in thirds):
        told = few.format(6, "with fewer, a third of the depth can have one layer or none: its spread or slope is 0")
    elif thirds:
        told = few.format(3, "with fewer, a third of the depth can have no layer, and what is taken over it is 0")
    elif any(reducer.least_layers > 1 for reducer in found):
        told = few.format(2, "what compares layers is 0 for one layer")
    else:
        return []
    return textwrap.wrap(told, 116)


def _constants(
    trees: Sequence[gp.PrimitiveTree],
    references: Sequence[Sequence[float]],
    rank_form: gp.PrimitiveTree | None,
    record: Mapping[str, Any],
    space: str,
    seed: int,
    samples: int,
    inits: int,
) -> str:
    tree = trees[0]
    formula = [
        f"FORMULA = {to_text(tree)!r}",
        f"RANK_FORM = {to_text(rank_form or tree)!r}",
        f"LATEX = {to_latex(tree)!r}",
    ]
    members = [(to_text(one), [float(x) for x in reference]) for one, reference in zip(trees, references)]
    if members:
        formula = [f"MEMBERS = {pprint.pformat(members, width=116, compact=True)}"]
    return "\n".join([
        *formula,
        f"PROVENANCE = {pprint.pformat(record, width=116, sort_dicts=False)}",
        f"SPACE = {space!r}",
        f"SEED = {seed}",
        f"SAMPLES = {samples}",
        f"INITS = {inits}",
    ])  # fmt: skip


def _score(bundle: Bundle, frame: list[Key], loss_key: Key | None, backward: bool) -> str:
    passes, _, generator, dead, exact, untrained, refuse, finite, batch_of, *checked = map(bundle.name, frame)
    used, given = "loss", ""
    if loss_key is not None:
        own = bundle.name(loss_key)
        given = f"\n    used = {own} if loss is None else lambda output, batch: loss(output, batch.inputs)"
        used = f"lambda output, batch: {checked[0]}(used, output, batch)"
    about = (
        "`loss(output, inputs)` of the pass at initialisation, one number; by default the one of the run."
        if backward
        else "not used: this formula needs no gradients."
    )
    return f'''def score(generator, inputs, loss=None, seed=SEED, output=None) -> float:
    """The score of an untrained generator; higher predicts better quality, -inf means a dead network.

    The generator and the inputs are left as they were: weights, gradients, buffers, flags, random states. The score
    does not depend on what was scored before: what is random inside the generator is drawn from the seed.

    Args:
        generator: a freshly initialised torch.nn.Module, on any device; it is looked at in training mode.
        inputs: a batch of its inputs, `sample x ...`; for a generator that takes several tensors a tuple of them, a
            dict by name, or a dataclass. The first of floats is what is perturbed and read.
        loss: {about}
        seed: of the random probes; scores can be compared only between equal seeds.
        output: which tensor is the image, of a generator that returns several: a position, a name, or a function of
            what it returns.

    Raises ValueError, with what to do, when there is no score: no layers, NaN outputs, inputs without a tensor, an
    output whose image cannot be told, a loss that does not fit, a pass that the generator does not allow. Errors of the
    generator's own forward are passed on.
    """
    given = {batch_of}(inputs, generator, output){given}
    probes = {generator}(SPACE, seed, "probes")
    with {exact}(), {untrained}(generator) as network:
        look = {passes}(network, given, {used}, probes, backward={backward})
        {refuse}(look)
        if {dead}(look):
            return float("-inf")
        return {finite}(formula(look))'''


def _self_check(bundle: Bundle, fixture: list[Key], expected: list[tuple[float, str]], asks: bool) -> str:
    *networks, inputs = map(bundle.name, fixture)
    loss = ", lambda output, inputs: (output - inputs).abs().mean()" if asks else ""
    made = ", ".join(f"{kind!r}: {network}" for kind, network in zip(FIXTURES, networks))
    values = ", ".join(f"{kind!r}: {None if told else x!r}" for kind, (x, told) in zip(FIXTURES, expected))
    absent = [f"#: None for {kind}: {told}" for kind, (_, told) in zip(FIXTURES, expected) if told]
    reasons = "".join(f"\n{line}" for told in absent for line in textwrap.wrap(told, 118, subsequent_indent="#: "))
    return f'''#: The engine's values for the networks of the self-check, None where the formula has none.{reasons}
EXPECTED = {{{values}}}


def self_check() -> None:
    """Compares the scores of a network of modules, one of functions and one of tokens with the engine's. Raises
    ValueError where they differ."""
    networks = {{{made}}}
    for kind, expected in EXPECTED.items():
        try:
            found = score(networks[kind](), {inputs}(){loss})
        except ValueError as error:
            if expected is not None:
                raise
            print(f"{{kind}}: {{error}} (as expected)")
            continue
        if expected is None or not abs(found - expected) <= 1e-4 * abs(expected) + 1e-12:
            told = f"the score of the network of {{kind}} is {{found!r}}, expected {{expected!r}}"
            raise ValueError(f"The self-check failed: {{told}}.")
        print(f"{{kind}}: {{found!r}}, expected {{expected!r}}")
    print("self-check passed")'''


def _plain(value: Any) -> Any:
    """The value as literals that Python reads back."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinity are no literals
    return str(value)
