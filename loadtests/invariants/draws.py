"""Draws: what must hold between those who entered a draw, what they were told, and whom the target says has won.

Winners are few, entrants are many: the ledger is held as a dict of winners, and of each entrant the hash of draw and
user with one flag, about 75 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flashcrowd.verdict import Finding
from loadtests.draw_ledger import Win
from loadtests.entries import ENTERED, REFUSED, EntryRecord
from loadtests.invariants.hall import Draw, Hall, Wrong
from loadtests.invariants.invariant import vacuous
from loadtests.invariants.marks import BITS
from loadtests.invariants.violation import Example

PATIENCE = 10.0
"""Seconds after a draw has closed that a viewer must have gone on asking before no answer is a wrong."""


class Draws:
    """The wins first, then the entries; then what was found. Other draws than ours in the ledger are passed over."""

    def __init__(self, draws: Iterable[Draw]) -> None:
        self._halls = {draw.draw: Hall(draw) for draw in draws}
        self._known = dict[int, bool]()
        self._told, self._unanswered, self._twice = Wrong(), Wrong(), Wrong()
        self._answered = self._impatient = 0

    def won(self, win: Win) -> None:
        """A prize of the target's ledger."""
        if (hall := self._halls.get(win.draw)) is None:
            return
        hall.rows += 1
        hall.strangers.add(win.user)
        hall.prizes_of[win.user].append(win.prize)
        if len(hall.prizes_of[win.user]) == 2:
            self._twice.add(draw=win.draw, user=win.user, prizes=hall.prizes_of[win.user])

    def entry(self, record: EntryRecord) -> None:
        """An entry of a viewer's."""
        if (hall := self._halls.get(record.draw)) is None or record.outcome == REFUSED:
            return
        hall.strangers.discard(record.user)
        self._count(hall, record)
        if record.answered:
            self._answer(hall, record)
        elif record.outcome == ENTERED:
            self._silence(hall, record)

    def _count(self, hall: Hall, record: EntryRecord) -> None:
        """Each user once, however often they tried; entered is more than perhaps."""
        user = hash((record.user, record.draw)) & BITS
        known, entered = self._known.get(user), record.outcome == ENTERED
        if known or known is entered:
            return
        self._known[user] = entered
        hall.entered += entered
        hall.doubtful += -1 if known is False else not entered

    def _answer(self, hall: Hall, record: EntryRecord) -> None:
        self._answered += 1
        prizes = hall.prizes_of.get(record.user, [])
        if record.prize not in (prizes or [""]):
            self._told.add(**_example(record), stored=prizes)

    def _silence(self, hall: Hall, record: EntryRecord) -> None:
        if record.end >= hall.draw.closes_at + PATIENCE:
            self._unanswered.add(**_example(record))
        else:
            self._impatient += 1

    def findings(self) -> Iterator[Finding]:
        """What it comes to; nothing when no draw was held."""
        if not self._halls:
            return
        entered = sum(hall.entered + hall.doubtful for hall in self._halls.values())
        if not entered:
            yield vacuous("draw-winners", "nobody entered the draw")
            return
        yield self._winners()
        yield self._once()
        yield self._entered()
        yield self._said()
        yield self._replied(entered)

    def _winners(self) -> Finding:
        """As many prizes go as can. A second prize of one user's, or a stranger's, may stand for
        another's: each is a finding of its own."""
        if not any(hall.entered or hall.rows for hall in self._halls.values()):
            return vacuous("draw-winners", "nobody is known to have entered the draw, and nobody won")
        wrong = Wrong()
        for hall in self._halls.values():
            if hall.rows < hall.least or hall.winners - len(hall.strangers) > hall.most:
                facts = {"winners": hall.winners, "entrants": hall.entered, "prizes": hall.draw.prizes}
                wrong.add(draw=hall.draw.draw, **facts)
        told = ", ".join(
            f"{hall.winners} winners among {hall.entered} entrants for {hall.draw.prizes} prizes"
            for hall in self._halls.values()
        )
        return wrong.finding("draw-winners", f"not as many won as could: {told}", told)

    def _once(self) -> Finding:
        if not self._twice.count and all(hall.rows < 2 for hall in self._halls.values()):
            return vacuous("draw-once", "fewer than two prizes were given, so that nobody could win twice")
        rows = sum(hall.rows for hall in self._halls.values())
        broken = f"{self._twice.count} viewers won more than once in a draw"
        return self._twice.finding("draw-once", broken, f"{rows} prizes went to as many viewers")

    def _entered(self) -> Finding:
        """Our draws are entered by our viewers alone."""
        ghosts = Wrong()
        for hall in self._halls.values():
            for user in sorted(hall.strangers):
                ghosts.add(draw=hall.draw.draw, user=user, prizes=hall.prizes_of[user])
        return ghosts.finding("draw-entered", f"{ghosts.count} winners had not entered", "every winner had entered")

    def _said(self) -> Finding:
        if not self._answered:
            return vacuous("draw-told", "no viewer was told a result")
        broken = f"{self._told.count} viewers were told another result than the ledger of draws has"
        held = f"what {self._answered} viewers were told is what the ledger of draws has"
        return self._told.finding("draw-told", broken, held)

    def _replied(self, entered: int) -> Finding:
        if self._unanswered.count or not self._impatient:
            return self._unanswered.finding(
                "draw-answered",
                f"{self._unanswered.count} entrants were never told the result",
                f"all entrants were told the result ({entered} entered)",
            )
        message = f"{self._impatient} entrants left before the result was due: keep viewers longer after the draw"
        return vacuous("draw-answered", message, count=self._impatient)


def judge_draws(draws: Iterable[Draw], wins: Iterable[Win], entries: Iterable[EntryRecord]) -> tuple[Finding, ...]:
    """Compare all that entrants were told with all that was drawn, each read once."""
    judged = Draws(draws)
    for win in wins:
        judged.won(win)
    for entry in entries:
        judged.entry(entry)
    return tuple(judged.findings())


def _example(record: EntryRecord) -> Example:
    return {
        "draw": record.draw,
        "user": record.user,
        "outcome": record.outcome,
        "prize": record.prize,
        "status": record.status,
        "start": record.start,
        "end": record.end,
        "traceparent": record.traceparent,
    }
