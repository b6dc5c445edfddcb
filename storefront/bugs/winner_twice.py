"""Bug `winner-twice`: the first winner of a draw is drawn again for its last prize.

The schema's own check, which forbids two prizes for one user, is left out.
"""

from typing import ClassVar

from storefront.draw_journal import SCHEMA, DrawJournal


class Repeating(DrawJournal):
    """Draws with replacement, for once."""

    schema: ClassVar[str] = SCHEMA.replace(", UNIQUE (draw_id, user));", ");")

    def _pick(self, entrants: int, prizes: int) -> list[int]:
        winners = super()._pick(entrants, prizes)
        return [*winners[:-1], winners[0]] if winners else []
