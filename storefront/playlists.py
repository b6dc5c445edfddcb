"""Playlists: HLS as a player reads it (RFC 8216), master and media."""

from collections.abc import Sequence
from datetime import UTC, datetime

from storefront.renditions import RENDITIONS, SECONDS, Rendition

CODECS = "avc1.4d401f,mp4a.40.2"


def master() -> bytes:
    """The renditions to choose from."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rendition in RENDITIONS:
        lines += [_stream(rendition), f"{rendition.name}.m3u8"]
    return _text(lines)


def media(rendition: Rendition, numbers: Sequence[int]) -> bytes:
    """A live playlist of consecutive segments; without an end, so that players ask for it again."""
    first = numbers[0] if numbers else 0
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{SECONDS}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    for number in numbers:
        at = datetime.fromtimestamp(number * SECONDS, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"#EXTINF:{SECONDS:.3f},", f"{rendition.name}/{number}.ts"]
    return _text(lines)


def _stream(rendition: Rendition) -> str:
    facts = f"BANDWIDTH={rendition.rate},RESOLUTION={rendition.width}x{rendition.height}"
    return f'#EXT-X-STREAM-INF:{facts},CODECS="{CODECS}"'


def _text(lines: Sequence[str]) -> bytes:
    return "\n".join([*lines, ""]).encode()
