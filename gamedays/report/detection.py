"""Detection: two figures for each fault and objective, live in the rehearsal and in production, and why they differ."""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.units import about
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging.production import Detection, Noticed, Production
from monitors.figures import bad_percent

HEAD = ("fault", "objective", "live, in the rehearsal", "in production")
DAY = 86400.0


@dataclass(frozen=True)
class DetectionRow:
    """One fault and one objective for a table, and the sentence that explains it."""

    fault: str
    slo: str
    live: str
    production: str
    why: str


def rows(production: Production | None) -> list[DetectionRow]:
    """A row for every objective that a fault spoiled, or of which that can't be told."""
    found = production.detections if production is not None else ()
    told = [one for one in found if one.replayed or one.unknown is not None]
    return [DetectionRow(one.fault, one.slo, _live(one), _production(one), why(one)) for one in told]


def sentences(production: Production | None) -> list[str]:
    """Each row's two figures in one sentence."""
    return [f"{row.slo}: live {row.live}, in production {row.production}" for row in rows(production)]


def note(production: Production) -> str:
    """How the figures of production were made."""
    return (
        f"In production: the recorded SLI, replayed on a real Prometheus through the rules of {production.policy}, "
        f"after {_long(production.prefix)} of healthy traffic, and going on as if nobody had mitigated it. "
        "Exact to 15 s, the time between evaluations."
    )


def findings(production: Production, within: float | None) -> list[Finding]:
    """What to make of it: told is a pass, unless production is never paged for what paged the rehearsal, or, where a
    limit is given (seconds), is paged later. What can't be told is inconclusive."""
    spoiled = [one for one in production.detections if one.replayed or one.unknown is not None]
    return [_finding(one, within) for one in spoiled]


def why(one: Detection) -> str:
    """Why the two figures differ."""
    if one.unknown is not None:
        return f"Nothing can be said: {one.unknown}."
    said = [_level(one)]
    if one.production is None:
        said.append(_never(one))
    elif not one.in_time:
        said.append(
            f"It would not have paged in production in time: the fault was in place for {about(one.lasted)}, and would "
            f"have had to last {about(one.missing or 0.0)} longer at this level."
        )
    if one.live is not None and one.live.stands_for is not None:
        windows, real = one.live.pair, one.live.stands_for
        said.append(f"The rehearsal pages on {windows}, which stands for {real}: less time has to be bad in it.")
    if one.alone is not None and (one.production is None or one.alone.after < one.production.after - 30):
        said.append(
            f"On the run's own history the production rules would have paged after {about(one.alone.after)} "
            f"({one.alone.pair}): a window of hours that holds minutes flatters."
        )
    return " ".join(said)


def _level(one: Detection) -> str:
    budget = (100 - one.objective) / 100
    end = "until it recovered" if one.recovered else "until the fault was healed"
    return f"{bad_percent(one.ratio, budget)} of {_rate(one.rate)} events a second were bad {end}."


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _never(one: Detection) -> str:
    ticket = f"; a ticket would be written after {about(one.ticket.after)} ({one.ticket.pair})" if one.ticket else ""
    return f"However long it lasted at this level, production would not page{ticket}."


def _live(one: Detection) -> str:
    return "no page" if one.live is None else _after(one.live)


def _production(one: Detection) -> str:
    if one.unknown is not None:
        return "can't be told"
    if one.production is None:
        return "no page at this level"
    return _after(one.production) if one.in_time else f"{_after(one.production)}, not in time"


def _after(page: Noticed) -> str:
    return f"after {about(page.after)}" + (f" ({page.pair})" if page.pair else "")


def _finding(one: Detection, within: float | None) -> Finding:
    name, figures = f"production/{one.slo}", f"{one.fault}: live {_live(one)}, production {_production(one)}"
    if one.unknown is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"{one.fault}: {one.unknown}")
    if one.production is None:
        missed = within is not None or one.live is not None
        return Finding(name, Outcome.FAIL if missed else Outcome.PASS, figures)
    if within is not None and one.production.after > within:
        return Finding(name, Outcome.FAIL, f"{figures}, at most {about(within)} wanted")
    return Finding(name, Outcome.PASS, figures)


def _long(seconds: float) -> str:
    return f"{seconds / DAY:g} days" if seconds >= 2 * DAY else f"{seconds / 3600:g} hours"
