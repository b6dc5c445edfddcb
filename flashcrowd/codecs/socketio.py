"""Socket.IO codec: protocol 5 over Engine.IO 4, over a WebSocket from the start (no long polling first).

    server  0{"sid":...}          Engine.IO open             client  40                  join the main namespace
    server  40{"sid":...}         joined: the viewer is in   client  42["chat",{...}]    an event
    server  2                     ping                       client  3                   pong
    server  42["sold",{...}]      an event                   server  44{...}, 41, 1      refused, thrown out, closed

https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/. Binary events and
acknowledgements are passed over.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flashcrowd.codecs.codec import Codec, Decoded
from flashcrowd.codecs.json_codec import json_fault

EVENT = b"42"
PATH = "/socket.io/"


class SocketIoCodec(Codec):
    """`codec: socketio`. A frame of the target file is what `emit` gets, as a list: `["chat", {"text": "${text}"}]`.

    The fields of a received event are those of its first argument, and `event`, its name.
    """

    waits = True

    def encode(self, text: str) -> str:
        return f"42{text}"

    def decode(self, frame: bytes) -> Decoded:
        text = frame.decode()
        match text[:2]:
            case "42":
                return Decoded(_fields(json.loads(text[2:])))
            case "40":
                return Decoded(ready=True)
            case "41":
                return Decoded(refused="the server has disconnected the viewer")
            case "44":
                return Decoded(refused=f"the server refused the viewer: {text[2:200]}")
        match text[:1]:
            case "0":
                return Decoded(replies=("40",))
            case "1":
                return Decoded(refused="the server has closed the session")
            case "2":
                return Decoded(replies=(f"3{text[1:]}",))
        return Decoded()

    def transparent(self, frame: bytes) -> bool:
        return frame.startswith(EVENT)

    def url(self, url: str) -> str:
        parts = urlsplit(url)
        asked = {"EIO": "4", "transport": "websocket", **dict(parse_qsl(parts.query, keep_blank_values=True))}
        return parts._replace(path=PATH if parts.path in ("", "/") else parts.path, query=urlencode(asked)).geturl()

    def fault(self, text: str) -> str | None:
        if (wrong := json_fault(text)) is not None:
            return wrong
        emitted = json.loads(text)
        if not isinstance(emitted, list) or not emitted or not isinstance(emitted[0], str):
            return 'is no Socket.IO event; write it like ["chat", {"text": "${text}"}]'
        return None


def _fields(emitted: Any) -> dict[str, Any] | None:
    if not isinstance(emitted, list) or not emitted or not isinstance(emitted[0], str):
        return None
    first = emitted[1] if len(emitted) > 1 and isinstance(emitted[1], dict) else {}
    return {**first, "event": emitted[0]}
