"""Checks: everything about a plan that can be wrong, found before the first packet and told all at once.

The rules look at the raw file, so that a wrong unit in one place doesn't hide an unknown runbook in another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import loadtests.runner
import monitors.slo_files
from chaos.faults import parse_fault
from flashcrowd.documents import Document, Rule, Step, did_you_mean, document
from flashcrowd.errors import DocumentError, FlashcrowdError, InputError, Problem
from flashcrowd.guard import Guard
from flashcrowd.target import Component, Target, read_target
from gamedays import embedded
from gamedays.plan import BUILTIN, EMBEDDED, Control, Plan, builtin_names
from gamedays.planning import wrongbook
from gamedays.planning.decidable_check import check_decidable
from gamedays.planning.expectation_check import check_expectation, seconds
from gamedays.planning.load_check import check_load
from loadtests.needs import lacking
from loadtests.shapes import Point
from monitors import promql
from monitors.slo import Slo

CONTROLS: tuple[Control, ...] = ("no-fault", "no-runbook", "wrong-runbook")


@dataclass(frozen=True)
class Prepared:
    """A plan that may be played. `target` is None for the embedded one, which doesn't exist yet. points: of a trace.
    seed: of what viewers do by chance; a control has the same as its game day."""

    file: Path
    plan: Plan
    target: Target | None
    slos: tuple[Slo, ...]
    control: Control | None
    allow_production: str | None
    points: tuple[Point, ...] = ()
    seed: int = 0

    @property
    def target_file(self) -> Path:
        """The file of the target, which a plan names from its own folder."""
        return self.file.parent / self.plan.spec.target

    @property
    def scenario_file(self) -> Path:
        """Where the scenario is."""
        known = loadtests.runner.scenarios()
        return known[self.scenario].file if self.scenario in known else Path(self.scenario)

    @property
    def scenario(self) -> str:
        """The scenario's name, or its file, which a plan names from its own folder."""
        name = self.plan.spec.load.scenario
        file = self.file.parent / name
        return str(file) if file.is_file() else name


def prepare(
    name: str, control: str | None = None, allow_production: str | None = None, seed: int | None = None
) -> Prepared:
    """Read a plan, by file or built-in name, and check it as a whole. seed: any, if not given.

    Raises:
        DocumentError: with every fault of the plan, and of the target file that it names.
        GuardError: the target may not be touched like this.
        InputError: no such plan or control.
    """
    if control is not None and control not in CONTROLS:
        raise InputError(f"no control '{control}'{did_you_mean(control, CONTROLS)}")
    file = find(name)
    source = document(file, kind="GameDay")
    surroundings = _Surroundings(source)
    plan = source.parse(Plan, *surroundings.rules())
    Guard.of(surroundings.described, allow_production)
    chosen = next((known for known in CONTROLS if known == control), None)
    load = surroundings.load
    if chosen == "wrong-runbook":
        wrongbook.check(plan, surroundings.slos)
    prepared = Prepared(
        file, load.complete(plan), surroundings.target, surroundings.slos, chosen, allow_production, load.points
    )
    return replace(prepared, seed=loadtests.runner.new_seed() if seed is None else seed)


def find(name: str) -> Path:
    """A plan's file: a path, or the name of a built-in one. Raises InputError with what is near."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    if name in builtin_names():
        return BUILTIN / f"{name}.yaml"
    raise InputError(f"no plan '{name}' built in, nor such a file{did_you_mean(name, builtin_names())}")


class _Surroundings:
    """What a plan refers to, read leniently: a part that can't be read is one problem, and the rest is checked on."""

    def __init__(self, source: Document) -> None:
        self._source, self._base = source, source.file.parent
        self._problems: list[Problem] = []
        self._target_is_wrong = False
        self._slos_of: dict[int, tuple[Slo, ...]] = {}
        self.load = check_load(source)
        self._problems += self.load.problems
        self.target = self._read_target()
        self.slos = tuple(self._read_slos())
        self.described = self.target or embedded.describe(embedded.Addresses(), "http://127.0.0.1:1")

    def rules(self) -> tuple[Rule, ...]:
        """What the target has to have is asked of a target that could be read; else every answer would be a guess."""
        of_the_target = (self._crowd, self._needs, self._shop, self._draw, self._prometheus, self._components)
        of_the_plan = (
            lambda _: self._problems,
            self._scenario,
            self._openings,
            self._steps,
            self._aborts,
            self._drift,
            self._decided,
        )
        return of_the_plan if self._target_is_wrong else (*of_the_plan, *of_the_target)

    def _read_target(self) -> Target | None:
        name = self._source.get("spec", "target")
        if name == EMBEDDED or not isinstance(name, str):
            return None
        try:
            return read_target(self._base / name)
        except DocumentError as error:
            self._target_is_wrong = True
            self._problems += error.problems
            return None

    def _read_slos(self) -> Iterator[Slo]:
        names = self._source.get("spec", "slos", default=[])
        seen = set[str]()
        for number, name in enumerate(names if isinstance(names, list) else []):
            path = ("spec", "slos", number)
            try:
                found = monitors.slo_files.load([str(name)], self._base).slos
            except DocumentError as error:
                self._problems += error.problems
            except FlashcrowdError as error:
                self._problems.append(self._source.problem(path, str(error)))
            else:
                yield from found
                self._slos_of[number] = tuple(found)
                self._problems += [self._source.problem(path, text) for text in _unusable(found, seen)]
                seen |= {slo.name for slo in found}

    def _scenario(self, source: Document) -> Iterator[Problem]:
        path = ("spec", "load", "scenario")
        name, known = source.get(*path), loadtests.runner.scenarios()
        if isinstance(name, str) and name not in known and not (self._base / name).is_file():
            yield source.problem(path, f"no scenario '{name}'{did_you_mean(name, known)}")

    def _needs(self, source: Document) -> Iterator[Problem]:
        path = ("spec", "load", "scenario")
        name, known = source.get(*path), loadtests.runner.scenarios()
        if isinstance(name, str):
            file = known[name].file if name in known else self._base / name
            if missing := lacking(file, self.described):
                yield source.problem(path, f"{name} needs {', '.join(missing)}, which the target doesn't have")

    def _crowd(self, source: Document) -> Iterator[Problem]:
        path = ("spec", "load", "viewers")
        viewers, most = source.get(*path), self.described.spec.max_viewers
        if isinstance(viewers, int) and viewers > most:
            yield source.problem(path, f"{viewers} is more than the target's max_viewers ({most})")

    def _decided(self, source: Document) -> Iterator[Problem]:
        name, known = source.get("spec", "load", "scenario"), loadtests.runner.scenarios()
        file = known[name].file if name in known else self._base / str(name)
        yield from check_decidable(source, self.load, self._slos_of, file if file.is_file() else None)

    def _openings(self, source: Document) -> Iterator[Problem]:
        """Sales, and draws with their closing."""
        closes = seconds(source.get("spec", "draw", "closes_after")) or 0.0
        for kind, lasts in (("sale", 0.0), ("draw", closes)):
            waves = source.get("spec", kind, "opens_at", default=[])
            for number, wave in enumerate(waves if isinstance(waves, list) else []):
                path = ("spec", kind, "opens_at", number)
                if (opens := seconds(wave)) is not None and opens + lasts >= self._duration(source):
                    what = "closes after" if opens < self._duration(source) else "is not before"
                    yield source.problem(path, f"{wave} {what} the end of the load")

    def _shop(self, source: Document) -> Iterator[Problem]:
        shop = self.described.spec.shop
        if source.get("spec", "sale") is not None and (shop is None or shop.sales is None):
            yield source.problem(("spec", "sale"), "the target can't schedule a sale: it has no spec.shop.sales")
        if shop is None or shop.ledger is None:
            yield source.problem(("spec", "target"), "the target has no spec.shop.ledger, and no order can be checked")

    def _draw(self, source: Document) -> Iterator[Problem]:
        draw = self.described.spec.draw
        if source.get("spec", "draw") is not None and (draw is None or draw.draws is None):
            yield source.problem(("spec", "draw"), "the target can't schedule a draw: it has no spec.draw.draws")

    def _prometheus(self, source: Document) -> Iterator[Problem]:
        if self.described.spec.prometheus is None:
            yield source.problem(("spec", "target"), "the target has no spec.prometheus, which has to judge it")

    def _steps(self, source: Document) -> Iterator[Problem]:
        steps = source.get("spec", "steps", default=[])
        for number in range(len(steps) if isinstance(steps, list) else 0):
            at: tuple[Step, ...] = ("spec", "steps", number)
            yield from self._fault(source, at)
            yield from check_expectation(source, at, [slo.name for slo in self.slos])

    def _fault(self, source: Document, at: tuple[Step, ...]) -> Iterator[Problem]:
        start, hold = seconds(source.get(*at, "at")), seconds(source.get(*at, "fault", "for"))
        if start is not None and hold is not None and start + hold > self._duration(source):
            yield source.problem((*at, "fault", "for"), "the fault would outlast the load; nobody would see it heal")

    def _components(self, source: Document) -> Iterator[Problem]:
        """Whether each fault can work on its component: in the middle of the game day is late to learn that."""
        components = self.described.spec.components
        steps = source.get("spec", "steps", default=[])
        for number in range(len(steps) if isinstance(steps, list) else 0):
            path = ("spec", "steps", number, "fault")
            raw, on = source.get(*path), source.get(*path, "on")
            if not isinstance(on, str):
                continue
            if on not in components:
                yield source.problem((*path, "on"), f"no component '{on}'{did_you_mean(on, components)}")
            elif (reason := _cannot(raw, components[on])) is not None:
                yield source.problem((*path, "on"), reason)

    def _aborts(self, source: Document) -> Iterator[Problem]:
        conditions = source.get("spec", "abort", default=[])
        for number, condition in enumerate(conditions if isinstance(conditions, list) else []):
            if (wrong := promql.syntax_fault(str(condition))) is not None:
                yield source.problem(("spec", "abort", number), wrong)

    def _drift(self, source: Document) -> Iterator[Problem]:
        rows, seen = source.get("spec", "drift", default=[]), set[str]()
        for number, row in enumerate(rows if isinstance(rows, list) else []):
            query, name = (row.get("query"), row.get("name")) if isinstance(row, dict) else (None, None)
            if isinstance(query, str) and (wrong := promql.syntax_fault(query)) is not None:
                yield source.problem(("spec", "drift", number, "query"), wrong)
            if isinstance(name, str) and name in seen:
                yield source.problem(("spec", "drift", number, "name"), f"there is a drift '{name}' already")
            seen.add(str(name))

    def _duration(self, source: Document) -> float:
        """Seconds of load, without an end where the plan doesn't say."""
        if self.load.duration is not None:
            return self.load.duration
        parts = [seconds(source.get("spec", "load", field)) for field in ("over", "hold")]
        return sum(part for part in parts if part is not None) if None not in parts else float("inf")


def _unusable(slos: Sequence[Slo], seen: Collection[str]) -> Iterator[str]:
    """Why SLOs can't be judged in a game day; `seen` are the names that its other files have."""
    if twice := [slo.name for slo in slos if slo.name in seen]:
        yield f"the plan has {', '.join(twice)} already; a game day tells SLOs apart by their names"
    for slo in slos:
        if slo.sli.raw is not None:
            yield f"{slo.name} is a ratio, in which a game day can't count; give sli.events"


def _cannot(raw: Mapping[str, Any], component: Component) -> str | None:
    """Why a fault can't work on a component, or here; None when it can, and when the fault itself is wrong."""
    try:
        fault = parse_fault(raw)
    except InputError:
        return None
    return fault.check(component) or fault.capability()
