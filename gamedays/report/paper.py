"""Paper: what every page of ours is printed on: its templates, its style, its script, and the words for an outcome."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from flashcrowd.units import about, clock
from flashcrowd.verdict import Outcome
from gamedays.report import judged

PAGE = Path(__file__).parent / "page"
WORDS = {Outcome.PASS: "Passed", Outcome.FAIL: "Failed", Outcome.INCONCLUSIVE: "Undecided"}
SIGNS = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}
UNIT = re.compile(r"(\d) (ms\b|s\b|min\b|%|GiB\b)")


def render(template: str, **told: object) -> str:
    """A page; whatever it is told is text, unless it is Markup."""
    found = _environment().get_template(template)
    parts = {"style": _part("style.css"), "script": _part("script.js")}
    return found.render(words=WORDS, signs=SIGNS, **parts, **told)


def unbroken(text: str) -> str:
    """The text with its figures and their units on one line."""
    return UNIT.sub("\\1\u00a0\\2", text)


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(PAGE)
    made = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"nb": unbroken, "slug": judged.slug, "about": about, "clock": clock}
    return made


@cache
def _part(name: str) -> Markup:
    """A part of the page that is no template."""
    return Markup((PAGE / name).read_text(encoding="utf-8"))
