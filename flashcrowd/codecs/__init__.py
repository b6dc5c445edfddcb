"""Codecs: how a target's chat writes and reads its frames; `live.codec` of a target file names one.

`json` and `socketio` are built in. Another one is a class of the user's own, `package.module:Class` or
`file.py:Class`, derived from `Codec`; its module may lie beside the target file. They live here, not with the load,
because a target file is checked by its codec before anything is loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from flashcrowd.codecs.codec import Codec, Decoded
from flashcrowd.codecs.json_codec import JsonCodec
from flashcrowd.codecs.socketio import SocketIoCodec
from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError

__all__ = ["Codec", "Decoded", "JsonCodec", "SocketIoCodec", "anchored", "load"]

BUILTIN: dict[str, type[Codec]] = {"json": JsonCodec, "socketio": SocketIoCodec}


@cache
def load(name: str, folder: Path | None = None) -> Codec:
    """The codec of this name, made. folder: of the target file, where its modules are looked for, too.

    Raises:
        InputError: there is no such codec, it can't be imported or made, or it isn't one.
    """
    if name in BUILTIN:
        return BUILTIN[name]()
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute.isidentifier():
        raise InputError(f"no codec '{name}'{did_you_mean(name, BUILTIN)}, or write package.module:Class")
    found = getattr(_module(place, folder), attribute, None)
    if not isinstance(found, type) or not issubclass(found, Codec):
        what = "has no class" if found is None else "is no codec: derive from flashcrowd.codecs.Codec the class"
        raise InputError(f"{place} {what} '{attribute}'")
    return _made(name, found)


def anchored(name: str, folder: Path) -> str:
    """The name with its module's file, where that lies beside the target file: children start elsewhere."""
    place, colon, attribute = name.rpartition(":")
    file = _file(place, folder) if colon else None
    return f"{file.resolve()}:{attribute}" if file is not None else name


def _made(name: str, kind: type[Codec]) -> Codec:
    lacking = sorted(getattr(kind, "__abstractmethods__", ()))
    if lacking:
        raise InputError(f"codec {name} lacks the method {' and '.join(lacking)}")
    try:
        return kind()
    except Exception as error:  # noqa: BLE001, RUF100 (whatever the user's own code raises is told, not ours)
        raise InputError(f"codec {name} can't be made: {_said(error)}") from None


def _module(place: str, folder: Path | None) -> ModuleType:
    file = _file(place, folder)
    try:
        return _from_file(file) if file is not None else importlib.import_module(place)
    except Exception as error:  # noqa: BLE001, RUF100 (as above)
        raise InputError(f"codec module {place} can't be imported: {_said(error)}") from None


def _file(place: str, folder: Path | None) -> Path | None:
    """The file of a module that lies beside the target file, or that is named by its path."""
    base = folder or Path()
    if place.endswith(".py"):
        return base / place
    module = base / Path(*place.split("."))
    return next((file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()), None)


def _from_file(file: Path) -> ModuleType:
    """A module by its file; what lies beside it can be imported by it."""
    name = f"flashcrowd_codec_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise FileNotFoundError("there is no such file")
    if str(file.parent.resolve()) not in sys.path:
        sys.path.append(str(file.parent.resolve()))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
