"""Configuration of a load: what the runner tells its Locust children, as one JSON file in the run directory."""

from __future__ import annotations

from pathlib import Path

from flashcrowd.documents import Model
from flashcrowd.target import Target
from loadtests.shapes import Shape

VARIABLE = "FLASHCROWD_LOAD"
"""The environment variable that names the file."""


class LoadConfig(Model):
    """One load, as all of its processes see it.

    run: the run's name, `${run}` in templates. workers: processes that hold viewers. folder: where evidence goes.
    target: None for a plain Locust file, which brings its own. Templates in it are filled by the children, so that
    no secret is written down.
    """

    run: str
    viewers: int
    shape: Shape
    workers: int
    seed: int
    metrics_port: int
    folder: Path
    rooms: tuple[str, ...]
    target: Target | None = None

    def write(self, path: Path) -> Path:
        path.write_text(self.model_dump_json(by_alias=True, indent=2), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> LoadConfig:
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
