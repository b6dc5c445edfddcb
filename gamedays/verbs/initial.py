"""Initial files: a target, SLOs, a plan and a scenario to start from, with comments; `flashcrowd init` in code."""

from __future__ import annotations

from pathlib import Path

from flashcrowd.errors import InputError, NeedError

SKELETON = Path(__file__).parents[1] / "skeleton"
FILES = {
    "target.yaml": "the platform: its addresses, its protocols, its limits",
    "slos.yaml": "what must hold",
    "plan.yaml": "a game day: load, faults, SLOs and runbooks on one timeline",
    "scenario.py": "what the viewers do",
}


def write(folder: Path) -> list[Path]:
    """Write all of them, or none.

    Raises:
        InputError: some are there already. NeedError: the folder can't be written to.
    """
    paths = [folder / name for name in FILES]
    if there := [str(path) for path in paths if path.exists() or path.is_symlink()]:
        verb = "is" if len(there) == 1 else "are"
        raise InputError(f"{', '.join(there)} {verb} there already; nothing was written: choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            with path.open("x", encoding="utf-8") as file:
                file.write((SKELETON / path.name).read_text(encoding="utf-8"))
    except OSError as error:
        raise NeedError(f"{folder} can't be written: {(error.strerror or str(error)).lower()}") from None
    return paths


def text(folder: Path) -> str:
    """What was written, and what to type next."""
    target, plan, scenario = (folder / name for name in ("target.yaml", "plan.yaml", "scenario.py"))
    width = max(len(str(folder / name)) for name in FILES)
    return "\n".join(
        [
            *(f"  {folder / name!s:<{width}}  {what}" for name, what in FILES.items()),
            "",
            f"Mend the addresses in {target}, then:",
            f"  flashcrowd doctor {target}",
            f"  flashcrowd load run {scenario} --target {target} --viewers 50 --duration 30s",
            f"  flashcrowd gameday plan {plan}",
        ]
    )
