"""Lines: texts wrapped for a screen of 80 columns."""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrap(text: str, indent: int, width: int = WIDTH, first: int = 2) -> list[str]:
    """Lines of at most 80 columns, the first of them two in; those after it begin at `indent`."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
