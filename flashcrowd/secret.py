"""Secret: what a target file names but doesn't hold: `${env.NAME}`, and `${secret.NAME}` of its `secrets`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import model_validator

from flashcrowd.documents import Model
from flashcrowd.errors import InputError
from flashcrowd.template import names


class Secret(Model):
    """Where a secret is: a variable of the environment, or a file (as orchestrators mount them)."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("wants either env or file")
        return self

    def read(self) -> str:
        """The secret; without the line break that editors put at a file's end. Raises InputError without its value."""
        if self.file is None:
            return read_env(self.env or "")
        try:
            text = self.file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise InputError(f"the secret can't be read from {self.file}: {(reason or str(error)).lower()}") from None
        if not text:
            raise InputError(f"the secret in {self.file} is empty")
        if "\n" in text or "\r" in text:
            raise InputError(f"the secret in {self.file} has several lines; a header can't carry that")
        return text


def read_env(name: str) -> str:
    """A variable of the environment. Raises InputError when it isn't set."""
    try:
        return os.environ[name]
    except KeyError:
        raise InputError(f"the environment variable {name} is not set") from None


def variables(secrets: Mapping[str, Secret]) -> dict[str, str]:
    """What templates may take from outside: `env.NAME` of the whole environment, and `secret.NAME`.

    Raises:
        InputError: a secret isn't there (any more, where the file was checked before).
    """
    found = {f"env.{name}": value for name, value in os.environ.items()}
    return found | {f"secret.{name}": secret.read() for name, secret in secrets.items()}


def mentioned(texts: Iterable[str], secrets: Mapping[str, Secret]) -> set[str]:
    """The values that a file's templates take from outside. Those that aren't set are left out."""
    known = variables(secrets)
    used = {name for text in texts for name in names(text)} | {f"secret.{name}" for name in secrets}
    return {known[name] for name in used if name in known}
