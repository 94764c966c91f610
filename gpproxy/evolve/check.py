"""What is checked before anything is looked at: tables and their splits, formulas to start from, names of proxies.

In: an EvolveSettings. Out: the opened tables and parsed guesses, or an error that says what to change.
"""

from __future__ import annotations

from collections.abc import Iterable

from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.benchmarks.registry import load
from gpproxy.benchmarks.split import splits
from gpproxy.errors import BenchmarkError, ConfigError, ExpressionError, did_you_mean
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.execution.cluster import check_cluster
from gpproxy.execution.devices import check_device
from gpproxy.expressions.grammar import Grammar, present_name
from gpproxy.expressions.text import parse, to_text
from gpproxy.proxies.named import ALL, NONE, chosen_proxies, expand, suggestion
from gpproxy.registry import load_plugin
from gpproxy.run.settings import parse_settings
from gpproxy.search_spaces import SearchSpace
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.statistic import STATISTICS

#: Choices of groups that name no descriptor.
NO_NAMES = ("auto", "none")


def open_tables(config: EvolveSettings) -> list[tuple[Benchmark, SearchSpace]]:
    """Loads and checks the tables, quickly: nothing is looked at yet.

    Raises BenchmarkError, RegistryError or ConfigError for data or settings that cannot be used.
    """
    for plugin in config.plugins:
        load_plugin(plugin)
    check_device(config.device)
    chosen_proxies(config.proxies)
    check_cluster(config.place)
    tables = [load(name, config.on_bad_rows) for name in config.benchmarks]
    settings = parse_settings(config.space_settings)
    spaces = [open_space(table.card, **settings) for table in tables]
    tables = [within(table, space, config) for table, space in zip(tables, spaces)]
    opened = list(zip(tables, spaces))
    splits(opened, *config.part_sizes)
    for table, space in zip(tables, spaces) if config.groups not in NO_NAMES else ():
        check_group(config.groups, space.describe(space.decode(table.architectures[0])))
    return opened


def within(table: Benchmark, space: SearchSpace, config: EvolveSettings) -> Benchmark:
    """The part of a table that keeps the limits on size. Raises BenchmarkError where nothing does."""
    limits = {name: most for name, most in (("params", config.max_params), ("macs", config.max_macs)) if most}
    if not limits:
        return table
    sizes = {code: space.describe(space.decode(code)) for code in table.architectures}
    kept = [code for code, size in sizes.items() if all(size[name] <= most for name, most in limits.items())]
    if not kept:
        least = ", ".join(f"{name} {min(size[name] for size in sizes.values()):,.6g}" for name in limits)
        raise BenchmarkError(
            f"No architecture of {table.name} is within the limits; the smallest has {least}. Allow more with "
            "--max-params or --max-macs."
        )
    return table.select(kept)


def check_group(choice: str, known: Iterable[str]) -> None:
    """Raises ConfigError where a descriptor to group by is none of those known."""
    known = [name for name in known if name not in PROXIES]
    if choice not in (*NO_NAMES, *known):
        raise ConfigError(
            f"groups={choice} is no descriptor of this space.{did_you_mean(choice, known)} "
            f"Known: {', '.join((*NO_NAMES, *known))}."
        )


def check_formulas(config: EvolveSettings) -> list[str]:
    """The guesses as formulas that can be parsed; of the known proxies those that the settings allow.

    Raises ExpressionError for a guess or an exclusion that is wrong, ConfigError for a guess beyond the limits.
    """
    types = {statistic.name: statistic.type for statistic in STATISTICS.values()}
    grammar = Grammar(types)
    known = [*types, *grammar.operation_names]
    for name in config.exclude:
        if present_name(name) not in known and name not in known:
            hint = did_you_mean(name, known)
            raise ExpressionError(f"exclude={name}: no statistic or primitive has that name.{hint}")
    found: dict[str, None] = {}
    given = config.initial_formulas
    for guess in given if NONE not in given else [one for one in given if one not in (ALL, NONE)]:
        for text in expand(guess):
            try:
                tree = parse(text, grammar)
            except ExpressionError as error:
                hint = suggestion(guess)
                raise ExpressionError(
                    f"initial_formulas={guess} is neither a known proxy nor a formula.{hint}\n{error}"
                ) from error
            excluded = {*config.exclude, *map(present_name, config.exclude)}
            out = next((node.name for node in tree if node.name in excluded), None)
            if guess != ALL and out:
                raise ExpressionError(
                    f"initial_formulas={guess} uses '{out}', which exclude takes out. Drop one of the two."
                )
            fits = len(tree) <= config.max_nodes and tree.height <= config.max_height
            if guess != ALL and not fits:
                raise ConfigError(
                    f"initial_formulas={guess} has {len(tree)} nodes and height {tree.height}, more than "
                    f"max_nodes={config.max_nodes} or max_height={config.max_height}. Raise the limit or leave it out."
                )
            if fits and not out:
                found[to_text(tree)] = None
    return list(found)
