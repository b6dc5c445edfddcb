"""JSON codec: each frame is a JSON value, and is sent as the target file has it."""

from __future__ import annotations

import json

from flashcrowd.codecs.codec import Codec, Decoded


class JsonCodec(Codec):
    """`codec: json`: what most chats speak, and the default."""

    def encode(self, text: str) -> str:
        return text

    def decode(self, frame: bytes) -> Decoded:
        try:
            fields = json.loads(frame)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        return Decoded(fields if isinstance(fields, dict) else None)

    def transparent(self, frame: bytes) -> bool:
        return True

    def fault(self, text: str) -> str | None:
        return json_fault(text)


def json_fault(text: str) -> str | None:
    """Why a text is no JSON; None if it is."""
    try:
        json.loads(text)
    except ValueError as error:
        return f"is not JSON once its variables are filled in: {str(error)[:1].lower()}{str(error)[1:]}"
    return None
