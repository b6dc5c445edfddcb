"""Readable: what comes of a run directory of another version, or of a damaged one, as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory


@contextmanager
def readable(run: RunDirectory, name: str = "") -> Iterator[None]:
    """Turn what comes of a run directory of another version, or of a damaged one, into one sentence.

    Raises:
        InputError: for whatever a missing field, or one of another kind, leads to.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"{run.path / name} can't be read by this version of flashcrowd ({_why(error)}); "
            f"use the one that made it, {_made_by(run)}"
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"there is no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]


def _made_by(run: RunDirectory) -> str:
    versions = run.manifest().get("versions")
    named = versions.get("flashcrowd") if isinstance(versions, dict) else None
    return f"flashcrowd {named}" if named else "which its manifest.json doesn't name"
