"""Subject: a target with all that a rehearsal could cover: components and what would break them, SLOs, runbooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import monitors.slo_files
from chaos.catalogue import Kind, catalogue
from flashcrowd.components import Component
from flashcrowd.errors import FlashcrowdError
from flashcrowd.target import Target
from gamedays.evidence import evidence
from gamedays.evidence.fingerprints import of_target
from gamedays.plan import EMBEDDED
from gamedays.story.story import Story
from monitors.slo import Slo
from runbooks import catalogue as books
from runbooks.fingerprints import of_runbook
from runbooks.lint.evidence import LIMIT
from runbooks.model import Runbook

EMBEDDED_NAME = "embedded storefront"
ANY = "command"
"""The kind that can be anything on any component, so that nobody can say that it was tried."""


@dataclass(frozen=True)
class Page:
    """A runbook of the target. runbook: None where it can't be read here; `why` says the reason. every: seconds after
    which its rehearsal is too old. fingerprint: of its steps as they are now."""

    name: str
    runbook: Runbook | None
    why: str = ""

    @property
    def every(self) -> float:
        return (self.runbook.front.rehearse_every if self.runbook is not None else None) or LIMIT

    @property
    def fingerprint(self) -> str | None:
        return of_runbook(self.runbook) if self.runbook is not None else None


@dataclass(frozen=True)
class Subject:
    """What there is to cover. kinds: those that would work on each component here, by its name. target_print: the
    target's fingerprint as it is now."""

    name: str
    components: tuple[str, ...]
    kinds: Mapping[str, tuple[Kind, ...]]
    slos: tuple[Slo, ...]
    pages: tuple[Page, ...]
    target_print: str | None

    @property
    def embedded(self) -> bool:
        return self.name == EMBEDDED_NAME

    def slo(self, name: str | None) -> Slo | None:
        return next((slo for slo in self.slos if slo.name == name), None)

    def page(self, name: str | None) -> Page | None:
        return next((page for page in self.pages if page.name == name), None)


def subject(
    target: Target | None, stories: Sequence[Story], slo_files: Sequence[str], folders: Sequence[Path]
) -> Subject:
    """The target of the runs as it is now. target: as its file has it; None to take it from the runs, or the embedded
    one where there are none. stories: game days of this target alone, the latest last.

    Raises:
        DocumentError: a file of SLOs or a page is wrong. InputError: one isn't there.
    """
    is_embedded = target is None and (not stories or stories[-1].manifest["target"] == EMBEDDED)
    slos = tuple(_slos(stories, slo_files, is_embedded))
    parts = _components(target, stories)
    return Subject(
        name=EMBEDDED_NAME if is_embedded else target.name if target is not None else stories[-1].target_name,
        components=tuple(parts),
        kinds=kinds(parts),
        slos=slos,
        pages=tuple(_pages(slos, folders, is_embedded)),
        target_print=_print(target, stories, is_embedded),
    )


def name_of(story: Story) -> str:
    """What a game day's target is called; nobody else's is called as the embedded one."""
    return EMBEDDED_NAME if story.manifest["target"] == EMBEDDED else story.target_name


def kinds(parts: Mapping[str, Component]) -> dict[str, tuple[Kind, ...]]:
    """The kinds of fault that would work on each component, as far as can be told from here without touching it."""
    known = [kind for kind in catalogue() if kind.name != ANY]
    return {name: tuple(kind for kind in known if kind.cannot(name, part) is None) for name, part in parts.items()}


def _components(target: Target | None, stories: Sequence[Story]) -> dict[str, Component]:
    if target is not None:
        return dict(target.spec.components)
    return evidence.components(stories[-1]) if stories else evidence.embedded_components()


def _print(target: Target | None, stories: Sequence[Story], is_embedded: bool) -> str | None:
    if is_embedded or target is not None:
        return of_target(target)
    found: str | None = stories[-1].manifest.get("fingerprints", {}).get("target")
    return found


def _slos(stories: Sequence[Story], files: Sequence[str], is_embedded: bool) -> Iterable[Slo]:
    """Those of the files, else the built-in ones of the embedded target and those of the runs, the latest of each."""
    if files:
        return monitors.slo_files.load(files).slos
    found = {slo.id: slo for story in stories for slo in story.slos}
    if is_embedded:
        found |= {slo.id: slo for slo in monitors.slo_files.load(monitors.slo_files.builtin_names()).slos}
    return found.values()


def _pages(slos: Iterable[Slo], folders: Sequence[Path], is_embedded: bool) -> Iterator[Page]:
    """Every page of the folders, of the library where the target is the embedded one, and those that alerts name."""
    mine = {file.stem for folder in folders for file in folder.glob("*.md")}
    found = {page.name: page for page in books.every(folders) if is_embedded or page.name in mine}
    yield from (Page(name, page) for name, page in found.items())
    for name in dict.fromkeys(slo.runbook for slo in slos if slo.runbook is not None):
        if name not in found:
            yield _page(name, folders)


def _page(name: str, folders: Sequence[Path]) -> Page:
    if "://" in name:
        return Page(name, None, "is a page for people, which no game day can follow")
    try:
        return Page(name, books.find(name, folders))
    except FlashcrowdError:
        return Page(name, None, "can't be read here; give its folder with --runbooks")
