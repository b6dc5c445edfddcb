"""Playlists: what a player needs of HLS master and media playlists (RFC 8216).

Sans-I/O. All viewers of a room get the same bytes, which change once a second or so: what was parsed last is kept, and
found again by those bytes. Why not a library: docs/decisions/0012-playing-hls.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

_REMEMBERED = 256
_LARGEST_REMEMBERED = 262_144
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)')
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,20})?")
_WHOLE = re.compile(r"[0-9]{1,20}")
_RANGE = re.compile(r"([0-9]{1,18})(?:@([0-9]{1,18}))?")


class PlaylistError(ValueError):
    """It is no playlist that a player could play; says what is wrong."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One quality of the picture. bandwidth: bits a second at its peak. uri: of its media playlist."""

    uri: str
    bandwidth: int


@dataclass(frozen=True, slots=True)
class Master:
    """The renditions, the smallest first."""

    renditions: tuple[Rendition, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the picture. at: when it was recorded, unix seconds, where the playlist tells. span: its bytes within
    the resource, as a Range header has them; empty for all of it."""

    uri: str
    seconds: float
    at: float | None = None
    span: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """The segments of one rendition that there are now. sequence: the number of the first. target: no segment is longer
    than so many seconds. ended: nothing will be added."""

    target: float
    sequence: int
    segments: tuple[Segment, ...]
    ended: bool = False

    @property
    def end(self) -> int:
        """The number of the segment after the last."""
        return self.sequence + len(self.segments)


Playlist = Master | Media


class PlaylistReader:
    """Parses playlists, each of the same bytes once while it is remembered."""

    def __init__(self) -> None:
        self._remembered: dict[bytes, Playlist] = {}

    def read(self, data: bytes) -> Playlist:
        """The playlist. Raises PlaylistError for anything else."""
        return self._remembered.get(data) or self._read(data)

    def _read(self, data: bytes) -> Playlist:
        playlist, remembered = parse(data), self._remembered
        if len(data) <= _LARGEST_REMEMBERED:
            remembered[data] = playlist
            if len(remembered) > _REMEMBERED:
                del remembered[next(iter(remembered))]
        return playlist


def parse(data: bytes) -> Playlist:
    """The playlist of these bytes. Tags that a player doesn't need in order to fetch and time segments are skipped.

    Raises:
        PlaylistError: it is none, or says something that can't be.
    """
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise PlaylistError("the playlist is not UTF-8") from None
    if lines[0].rstrip() != "#EXTM3U":
        raise PlaylistError("a playlist begins with #EXTM3U")
    if any(line.startswith("#EXT-X-STREAM-INF:") for line in lines):
        return _master(lines)
    return _Media().read(lines)


def _master(lines: Iterable[str]) -> Master:
    found, bandwidth = list[Rendition](), None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            attributes = dict(_ATTRIBUTE.findall(line.partition(":")[2]))
            bandwidth = int(_match(_WHOLE, attributes.get("BANDWIDTH", ""), "BANDWIDTH")[0])
        elif line.strip() and not line.startswith("#") and bandwidth is not None:
            found.append(Rendition(_uri(line), bandwidth))
            bandwidth = None
    if not found:
        raise PlaylistError("the master playlist has no rendition with an address")
    return Master(tuple(sorted(found, key=lambda one: one.bandwidth)))


class _Media:
    """A media playlist as far as it has been read."""

    def __init__(self) -> None:
        self.target: float | None = None
        self.sequence, self.segments, self.ended = 0, list[Segment](), False
        self.seconds: float | None = None
        self.at: float | None = None
        self.span, self.next_byte = "", 0

    def read(self, lines: Iterable[str]) -> Media:
        for line in lines:
            if line.startswith("#EXT"):
                name, _, value = line.rstrip().partition(":")
                tag = _TAGS.get(name)
                if tag is not None:
                    tag(self, value)
            elif line.strip() and not line.startswith("#"):
                self.add(_uri(line))
        if self.target is None:
            raise PlaylistError("the media playlist has no #EXT-X-TARGETDURATION")
        return Media(self.target, self.sequence, tuple(self.segments), self.ended)

    def add(self, uri: str) -> None:
        if self.seconds is None:
            raise PlaylistError(f"the segment {uri[:80]} has no #EXTINF")
        self.segments.append(Segment(uri, self.seconds, self.at, self.span))
        self.at = None if self.at is None else self.at + self.seconds
        self.seconds, self.span = None, ""

    def take_target(self, value: str) -> None:
        self.target = float(_match(_NUMBER, value, "#EXT-X-TARGETDURATION")[0])

    def take_sequence(self, value: str) -> None:
        self.sequence = int(_match(_WHOLE, value, "#EXT-X-MEDIA-SEQUENCE")[0])

    def take_seconds(self, value: str) -> None:
        self.seconds = float(_match(_NUMBER, value.partition(",")[0], "#EXTINF")[0])

    def take_time(self, value: str) -> None:
        try:
            at = datetime.fromisoformat(value)
            self.at = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise PlaylistError(f"#EXT-X-PROGRAM-DATE-TIME: '{value[:40]}' is no time") from None

    def take_span(self, value: str) -> None:
        """`LENGTH@OFFSET`; without an offset it follows on the last one (section 4.3.2.2)."""
        match = _match(_RANGE, value, "#EXT-X-BYTERANGE")
        first = int(match[2]) if match[2] is not None else self.next_byte
        self.next_byte = first + int(match[1])
        self.span = f"bytes={first}-{self.next_byte - 1}"

    def take_break(self, value: str) -> None:
        """The clock may jump here; what follows says so with a time of its own, or has none."""
        self.at = None

    def take_end(self, value: str) -> None:
        self.ended = True


_TAGS = {
    "#EXT-X-TARGETDURATION": _Media.take_target,
    "#EXT-X-MEDIA-SEQUENCE": _Media.take_sequence,
    "#EXTINF": _Media.take_seconds,
    "#EXT-X-PROGRAM-DATE-TIME": _Media.take_time,
    "#EXT-X-BYTERANGE": _Media.take_span,
    "#EXT-X-DISCONTINUITY": _Media.take_break,
    "#EXT-X-ENDLIST": _Media.take_end,
}


def _uri(line: str) -> str:
    """The address on a line, with what may not be in one encoded. Raises PlaylistError where that doesn't help."""
    uri = line.strip()
    if not uri.isascii() or not uri.isprintable() or " " in uri:
        uri = quote(uri, safe="%/:=&?~#+!$,;'@()*[]")
    try:
        urlsplit(uri)
    except ValueError:
        raise PlaylistError(f"'{uri[:80]}' is no address") from None
    return uri


def _match(pattern: re.Pattern[str], value: str, what: str) -> re.Match[str]:
    match = pattern.fullmatch(value.strip())
    if match is None:
        raise PlaylistError(f"{what}: '{value[:40]}' is not what RFC 8216 wants there")
    return match
