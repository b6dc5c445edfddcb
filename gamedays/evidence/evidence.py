"""Evidence: run directories in, what runbooks may keep of them out. Nothing is asked of a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from flashcrowd.components import Component
from flashcrowd.errors import FlashcrowdError, InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from flashcrowd.verdict import Outcome
from gamedays.evidence import diagnosis
from gamedays.evidence.actions import actions
from gamedays.evidence.candidates import Candidate, reach
from gamedays.evidence.conditions import cause, runbook_of
from gamedays.evidence.diagnosis import Diagnosis, Looked, Under, looked
from gamedays.judging import controls, production
from gamedays.judging.expectations import first_page
from gamedays.judging.triads import Triad, detected, diagnosed, mitigations, triads
from gamedays.plan import EMBEDDED
from gamedays.story.facts import FaultFact, RunbookFact
from gamedays.story.story import Story, read_story
from gamedays.target.addresses import Addresses
from gamedays.target.description import describe
from runbooks.discrimination import Answer, answer
from runbooks.evidence import Control, Look, OutcomeWord, Rehearsed, RunEvidence

WORDS: dict[Outcome, OutcomeWord] = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.INCONCLUSIVE: "inconclusive",
}


def stories(paths: Iterable[Path]) -> tuple[list[Story], list[str]]:
    """The game days in run directories and in folders of them, controls included, in order of time; what isn't one
    there, with why.

    Raises:
        InputError: a path that isn't there.
    """
    found, left = dict[Path, Story](), list[str]()
    for path in paths:
        if not path.is_dir():
            raise InputError(f"{path} is no run directory, nor a folder with some; 'flashcrowd gameday run' makes them")
        for folder in _runs(path):
            try:
                found[folder.resolve()] = read_story(RunDirectory.open(folder))
            except (FlashcrowdError, KeyError, TypeError, ValueError) as error:
                left.append(f"{folder} left out: {error}")
    return sorted(found.values(), key=lambda story: (story.start, story.run.name)), left


def _runs(path: Path) -> Iterator[Path]:
    """The run directories at a path and below it."""
    for file in sorted(path.rglob("manifest.json")):
        yield file.parent


def of_slo(story: Story, slo: str) -> RunEvidence:
    """What a run says of one SLO, and of every diagnosis step."""
    return replace(outline(story, slo), looks=tuple(_looks(story)), actions=tuple(actions(story)))


def outline(story: Story, slo: str) -> RunEvidence:
    """What a run says of one SLO, without what was looked at and done; `rehearsed` is of `hits`, in the same order."""
    manifest, prints = story.manifest, story.manifest.get("fingerprints", {})
    told = {(one.fault, one.on, one.injected): one for one in triads(story) if one.slo == slo}
    return RunEvidence(
        id=story.run.name,
        at=round(story.start, 3),
        plan=story.plan.name,
        target=EMBEDDED if manifest["target"] == EMBEDDED else story.target_name,
        control=story.control,
        plan_print=prints.get("plan"),
        rules=prints.get("rules"),
        target_print=prints.get("target"),
        parts=parts_of(components(story)),
        rehearsed=tuple(_rehearsed(story, fault, slo, told) for fault in hits(story, slo)),
        controls=tuple(_controls(story, slo)),
    )


def hits(story: Story, slo: str) -> list[FaultFact]:
    """The faults of a run that hit an SLO or were to, in the order of the plan."""
    return [fault for fault in story.faults if _hit(story, fault, slo)]


def _hit(story: Story, fault: FaultFact, slo: str) -> bool:
    """Whether a fault was in place and was to spoil the SLO, or it paged meanwhile for no other's sake.

    In a run that was broken off, one that hasn't paged was perhaps only not there for long enough.
    """
    page = first_page((*story.pages, *story.silenced), slo, fault.played)
    if fault.injected is None or (page is None and not story.complete):
        return False
    if fault.step.expect is not None and fault.step.expect.slo == slo:
        return True
    return page is not None and not any(
        other.step.expect is not None
        and other.step.expect.slo == slo
        and other.injected is not None
        and other.injected <= page.at <= other.ended
        for other in story.faults
    )


def _rehearsed(story: Story, fault: FaultFact, slo: str, told: dict[tuple[str, str, float | None], Triad]) -> Rehearsed:
    assert fault.injected is not None
    since = fault.injected
    back, triad = story.recovery(fault, slo), told.get((fault.step.fault.kind, fault.step.fault.on, fault.injected))
    followed = story.followed(fault, slo)
    detection = detected(production.load(story.run), fault, slo)
    tally = story.sli(slo).tally([(since, back.at or fault.ended)])
    return Rehearsed(
        cause=cause(fault),
        fault=fault.describe,
        lasted=round(fault.ended - since, 1),
        bad=round(min(1.0, tally.bad / tally.total), 4) if tally.total else None,
        alert=back.paged.alert if back.paged is not None else None,
        detected=_after(since, back.paged.at if back.paged is not None else None),
        production=round(detection.production.after, 1) if detection and detection.production else None,
        replayed=detection is not None,
        runbook=_page(followed.name) if followed is not None else None,
        fingerprint=_fingerprint(story, followed),
        diagnosed=diagnosed(followed),
        mitigations=mitigations(followed),
        mitigated=_after(since, followed.mitigated if followed is not None else None),
        recovered=_after(since, back.at),
        outcome=WORDS[triad.outcome if triad is not None else Outcome.INCONCLUSIVE],
        credit=triad.credit if triad is not None else None,
        why=triad.why if triad is not None else "the plan expects nothing of it",
    )


def _page(name: str) -> str:
    """What a runbook is called that an alert names by its file."""
    return Path(name).stem if name.endswith(".md") else name


def _fingerprint(story: Story, followed: RunbookFact | None) -> str | None:
    """Of the runbook as it was when it was followed."""
    if followed is None:
        return None
    started = story.run.events("runbook", "started")
    mine = (event for event in started if event.data["runbook"] == followed.name and event.time == followed.started)
    return next((event.data.get("fingerprint") for event in mine), None)


def _after(since: float, at: float | None) -> float | None:
    return None if at is None else round(at - since, 1)


def _controls(story: Story, slo: str) -> Iterator[Control]:
    """What the run shows as a control, or what its own controls show."""
    for control in [story] if story.control is not None else story.controls:
        for number, fault in enumerate(control.faults):
            if fault.step.expect is not None and fault.step.expect.slo == slo and control.control is not None:
                shown = controls.shown(control, number)
                yield Control(shown.control, cause(fault), WORDS[shown.outcome], shown.text)


def _looks(story: Story) -> Iterator[Look]:
    """Every query that was looked at, by condition; and the timeline's series, which tell how the crowd had it.

    Two faults at once spoil the picture of each. A step's no counts for both; its yes counts for the one whose runbook
    it is of, and leaves open what it would say of the other alone. How far values moved isn't told of either.
    """
    found = diagnosis.load(story.run)
    if found is None:
        return
    runbooks = {cause(fault): runbook_of(story, fault) for fault in story.faults}
    for one in (*found.looked, *_charts(story, found)):
        for under in one.under:
            condition = found.conditions[under.condition]
            if under.seconds <= 0 or (condition.beside and not _tells(one, under, runbooks.get(condition.fault or ""))):
                continue
            yield Look(
                step=one.name,
                query=one.query,
                cause=condition.fault,
                seconds=under.seconds,
                held=under.held,
                low=figures(under.low) if not condition.beside else None,
                mid=figures(under.mid) if not condition.beside else None,
                high=figures(under.high) if not condition.beside else None,
                runbook=one.runbook,
                expect=one.expect,
            )


def _tells(one: Looked, under: Under, runbook: str | None) -> bool:
    """Whether a look beside another fault tells anything of the fault that this runbook is for."""
    if under.held is None:
        return False
    return one.runbook == runbook or answer(under.held / under.seconds) is Answer.NO


def _charts(story: Story, found: Diagnosis) -> Iterator[Looked]:
    for chart in story.charts:
        values = {round(at): [value] for at, value in chart["points"] if value is not None}
        candidate = Candidate(f"{chart['panel']}, {chart['series']}", chart["query"], reach(chart["query"]))
        yield looked(candidate, values, found.conditions, story.start, story.end)


def figures(value: float | None) -> float | None:
    """Four figures: as many as a page keeps, so that it says the same from its own evidence."""
    return None if value is None else float(f"{value:.4g}")


def parts_of(known: Mapping[str, Component]) -> tuple[str, ...]:
    """Components with what may be done to each, as `inventory: process, link`."""
    return tuple(f"{name}: {', '.join(_can(part))}" for name, part in known.items())


def components(story: Story) -> dict[str, Component]:
    """The components of the target that was rehearsed."""
    target = story.manifest["target"]
    return embedded_components() if target == EMBEDDED else dict(Target.model_validate(target).spec.components)


def embedded_components() -> dict[str, Component]:
    """The components of the embedded storefront, at addresses where nothing runs."""
    return dict(describe(Addresses(), "http://127.0.0.1:1").spec.components)


def _can(part: Component) -> list[str]:
    return [name for name, value in part.model_dump().items() if value is not None and name != "probe"]
