"""Configuration of a load: what the runner tells its Locust children, as one JSON file in the run directory."""

from __future__ import annotations

from pathlib import Path

from flashcrowd.documents import Model
from flashcrowd.rundir import write_atomically
from flashcrowd.target import Target
from loadtests.shapes import Shape

VARIABLE = "FLASHCROWD_LOAD"
"""The environment variable that names the file."""

WORKER = "FLASHCROWD_WORKER"
"""The one that names a worker, as its log and the verdict call it."""

FAMILY = "FLASHCROWD_FAMILY"
"""The one by which children of one runner, on one machine, know each other; a worker elsewhere has none."""

FOLDER = "FLASHCROWD_FOLDER"
"""The one that names a folder for a worker on another machine. Without FLASHCROWD_LOAD, it asks the master for it."""

CONNECT_FROM = "FLASHCROWD_CONNECT_FROM"
"""The one that lists source addresses of a worker on another machine, with commas between them."""


class LoadConfig(Model):
    """One load, as all of its processes see it.

    run: the run's name, `${run}` in templates. workers: processes that hold viewers, wherever. arrivals: a second.
    folder: where evidence goes. rooms: their names, the most popular first.
    target: None for a plain Locust file, which brings its own. Templates in it are filled by the children, so that
    no secret is written down.
    """

    run: str
    viewers: int
    shape: Shape
    workers: int
    arrivals: float | None = None
    seed: int
    metrics_port: int
    folder: Path
    rooms: tuple[str, ...]
    target: Target | None = None

    def write(self, path: Path) -> Path:
        write_atomically(path, self.model_dump_json(by_alias=True, indent=2))
        return path

    @classmethod
    def read(cls, path: Path) -> LoadConfig:
        return cls.of(path.read_text(encoding="utf-8"))

    @classmethod
    def of(cls, text: str) -> LoadConfig:
        """The load of a text; this process knows its secrets from then on, and masks them."""
        config = cls.model_validate_json(text)
        if config.target is not None:
            config.target.learn_secrets()
        return config
