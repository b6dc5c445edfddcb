"""Writers: the reports of a run. Each takes a story and its verdict, and returns a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flashcrowd.verdict import Verdict
from gamedays.report import html, junit, markdown
from gamedays.report.charts import picture
from gamedays.story.story import Story

WRITERS: Mapping[str, Callable[[Story, Verdict], str]] = {
    "report.html": html.write,
    "report.md": markdown.write,
    markdown.PICTURE: lambda story, _: picture(story),
    "junit.xml": junit.write,
}
