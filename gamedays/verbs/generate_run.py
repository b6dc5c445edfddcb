"""Generate run: `runbook generate`, from an SLO's name, files and run directories to a page and what changes on it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import monitors.slo_files
from flashcrowd.documents import did_you_mean, read_text
from flashcrowd.errors import ExitCode, InputError, NeedError
from flashcrowd.rundir import write_atomically
from flashcrowd.target import read_target
from gamedays.evidence import evidence
from gamedays.story.story import Story
from monitors.figures import exact_percent
from monitors.slo import Slo
from runbooks.evidence import RunEvidence
from runbooks.generated.objective import Objective
from runbooks.generator import generate


@dataclass(frozen=True)
class Generated:
    """A page as it is (None where there is none yet) and as it would be. said: for stderr, a line each."""

    file: Path
    before: str | None
    after: str
    said: tuple[str, ...]

    @property
    def changes(self) -> bool:
        return self.before != self.after

    def diff(self) -> str:
        """What would change, as `diff -u` shows it; nothing where nothing does."""
        old, new = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        name = str(self.file)
        lines = difflib.unified_diff(old, new, name if self.before is not None else "/dev/null", name)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def write(self) -> str:
        """Write the page, whole or not at all, where it changes; says in a line what was done. Raises NeedError."""
        if not self.changes:
            return f"{self.file} is up to date"
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.file, self.after)
        except OSError as error:
            raise NeedError(
                f"{self.file} can't be written: {error.strerror}; choose another place with --out"
            ) from None
        return f"{self.file} {'written' if self.before is None else 'renewed'}"

    @property
    def exit_code(self) -> ExitCode:
        """Of `--check`."""
        return ExitCode.FAIL if self.changes else ExitCode.PASS


def run(
    name: str, runs: Sequence[Path] | None, target_file: Path | None, slo_files: Sequence[str], out: Path
) -> Generated:
    """The page of an SLO from what rehearsals left; nothing is written.

    runs: run directories, or folders of them; `runs` here, if it is there, where None. target_file: only rehearsals of
    this target count. slo_files: where the SLO stands; in the runs or the built-in ones, if none is given. out: a file
    that ends in .md, or a folder.

    Raises:
        InputError: no such SLO or path. DocumentError: a file is wrong, the page or its markers; with every fault.
    """
    default = Path("runs")
    stories, said = evidence.stories(runs if runs is not None else [default] if default.is_dir() else [])
    target = read_target(target_file) if target_file is not None else None
    if target is not None:
        others = [story for story in stories if story.target_name != target.name]
        said += [f"{story.run.path} left out: it is of {story.target_name}" for story in others]
        stories = [story for story in stories if story not in others]
    slo = find(name, slo_files, stories)
    found = [evidence.of_slo(story, slo.name) for story in stories if any(one.name == slo.name for one in story.slos)]
    if target is not None:
        parts = evidence.parts_of(target.spec.components)
        found = [replace(one, parts=parts) for one in found]
    file = out if out.suffix == ".md" else out / f"{page_name(slo)}.md"
    before = _text(file)
    after = generate(before, file, objective(slo), found)
    return Generated(file, before, after, (*said, _summary(found)))


def find(name: str, files: Sequence[str], stories: Sequence[Story]) -> Slo:
    """The SLO of this name: in the files, else in the latest run that has it, else built in.

    Raises:
        InputError: there is none; says which is near.
    """
    given = list(monitors.slo_files.load(files).slos) if files else []
    known = [*given, *(slo for story in reversed(stories) for slo in story.slos)] if not files else given
    if not files:
        known += monitors.slo_files.load(monitors.slo_files.builtin_names()).slos
    match = [slo for slo in known if name in (slo.name, slo.id)]
    if not match:
        raise InputError(f"no SLO '{name}'{did_you_mean(name, {slo.name for slo in known})}")
    if files and len(match) > 1:
        raise InputError(f"several SLOs are called '{name}'; say which: {', '.join(slo.id for slo in match)}")
    return match[0]


def page_name(slo: Slo) -> str:
    """What the page is called: as the SLO's alert calls its runbook, else as the SLO."""
    given = slo.runbook
    return slo.name if given is None or "/" in given or given.endswith(".md") else given


def objective(slo: Slo) -> Objective:
    """What a page has to know of an SLO."""
    pages = slo.alert("page")
    return Objective(
        name=slo.name,
        description=slo.description,
        wanted=exact_percent(slo.objective / 100),
        budget=slo.budget,
        service=slo.service,
        alerts=(slo.alerting.name,) if slo.alerting.name else (),
        severity="page" if pages is not None else "ticket",
        share=slo.ratio_query,
        events=slo.total_query if slo.sli.events is not None else None,
    )


def _text(file: Path) -> str | None:
    """A page as its bytes have it, line ends included; None where there is none."""
    if not file.exists():
        return None
    read_text(file)  # says what is wrong with a file that is no text
    return file.read_bytes().decode("utf-8")


def _summary(found: Iterable[RunEvidence]) -> str:
    runs = list(found)
    played = [run for run in runs if run.control is None]
    faults = sum(len(run.rehearsed) for run in played)
    controls = len(runs) - len(played)
    hits = f"{_count(len(played), 'rehearsal')} with {_count(faults, 'fault')} that hit it"
    return f"read {hits}, and {_count(controls, 'control')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
