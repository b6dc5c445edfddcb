"""Places: where in its file an SLO stands, so that whatever is found later is still told with a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flashcrowd.documents import Document, Step
from flashcrowd.errors import Problem

Path = tuple[Step, ...]


@dataclass(frozen=True)
class Places:
    """One SLO's. base: its path in the document. parts: those that stand elsewhere, a document and a path for each;
    queries are `error_query`, `total_query`, `error_ratio_query`."""

    document: Document
    base: Path
    parts: Mapping[str, tuple[Document, Path]] = field(default_factory=dict)

    def problem(self, part: str, message: str) -> Problem:
        """Something about a part: one of `parts`, or a field below the base; `` is the SLO itself."""
        document, path = self.parts.get(part) or (self.document, (*self.base, *([part] if part else [])))
        return document.problem(path, message)
