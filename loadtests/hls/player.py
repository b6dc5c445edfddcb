"""Player: what a player of a live HLS stream fetches next, and when; and what its viewer sees meanwhile.

Sans-I/O. `next` says what to fetch, or until when there is nothing to do; `loaded`, `fed` and `failed` tell what came
of it. As RFC 8216 wants it of clients: it begins three target durations before the live edge (6.3.3), and reloads the
playlist a target duration after it last began to, half of one where nothing was new (6.3.4).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urljoin

from loadtests.hls.buffer import Buffer
from loadtests.hls.playlist import Master, Media, Playlist, PlaylistError, Rendition, Segment
from loadtests.hls.throughput import Throughput, choose
from loadtests.playback import Playback

EDGE = 3
"""Target durations from the end of the playlist at which a player begins."""

MOST_AHEAD = 30.0
"""Seconds of the picture beyond which nothing is fetched ahead: hls.js' maxBufferLength."""

RETRY = (1.0, 8.0)
"""Seconds of the first and of the longest wait after a failure: hls.js begins with one second, and doubles it."""

_SHORTEST_TARGET = 0.25


class Fetch(NamedTuple):
    """Something to get. segment: None for a playlist. rendition: its index in the master playlist."""

    url: str
    rendition: int
    segment: Segment | None = None


class Player:
    """One viewer's player of the stream at this URL, which is wished for `now`. Times are unix seconds."""

    __slots__ = (
        "_failures", "_fetched", "_master", "_media", "_next", "_reload_at", "_rendition", "_segment_at",
        "_switch_at", "_tally", "_throughput", "_until", "_url", "_wanted", "buffer",
    )  # fmt: skip

    def __init__(self, url: str, tally: Playback, now: float) -> None:
        self._url, self._tally = url, tally
        self.buffer = Buffer(tally, now)
        self._throughput = Throughput()
        self._master: Master | None = None
        self._media: Media | None = None
        self._rendition = self._wanted = 0
        self._fetched: int | None = None
        self._next = 0
        self._until: float | None = None
        self._reload_at = self._segment_at = self._switch_at = now
        self._failures = 0

    def next(self, now: float) -> Fetch | float:
        """What to fetch now, or when to ask again; infinite when there will be nothing more."""
        self.buffer.advance(now)
        if now >= self._reload_at:
            return Fetch(self._playlist_url(self._wanted), self._wanted)
        segment = self._segment()
        if segment is None:
            return self._reload_at
        room_at = now + self.buffer.ahead - MOST_AHEAD
        if room_at > now or self._segment_at > now:
            return min(self._reload_at, max(room_at, self._segment_at))
        if now >= self._switch_at:
            self._wanted = choose(self._renditions(), self._fetched, self._throughput.estimate)
        if self._wanted != self._rendition:
            return Fetch(self._playlist_url(self._wanted), self._wanted)
        return Fetch(_join(self._playlist_url(self._rendition), segment.uri), self._rendition, segment)

    def loaded(self, fetch: Fetch, playlist: Playlist, asked: float) -> None:
        """A playlist has come, which was asked for at that time.

        Raises:
            PlaylistError: it should list segments, and lists renditions.
        """
        if isinstance(playlist, Master):
            if self._master is not None:
                raise PlaylistError("the playlist of a rendition is another master playlist")
            self._master = playlist
            self._wanted = self._rendition = choose(playlist.renditions, None, self._throughput.estimate)
            self._reload_at = asked
            return
        before, same = self._media, fetch.rendition == self._rendition
        self._media, self._rendition, self._failures = playlist, fetch.rendition, 0
        self._find(before, same)
        target = max(playlist.target, _SHORTEST_TARGET)
        news = before is None or not same or (playlist.sequence, playlist.end) != (before.sequence, before.end)
        self._reload_at = float("inf") if playlist.ended else asked + (target if news else target / 2)
        if playlist.ended and self._next >= playlist.end:
            self.buffer.finish()

    def fed(self, fetch: Fetch, size: int, seconds: float, now: float) -> None:
        """A segment has come: so many bytes, in so many seconds."""
        segment, media = fetch.segment, self._media
        assert segment is not None
        assert media is not None
        self._throughput.add(size, seconds)
        self.buffer.add(segment.seconds, now)
        self._count_switch(fetch.rendition)
        self._next, self._failures = self._next + 1, 0
        self._until = None if segment.at is None else segment.at + segment.seconds
        if self._until is not None:
            self._tally.behind(now - (self._until - self.buffer.ahead))
        if media.ended and self._next >= media.end:
            self.buffer.finish()

    def failed(self, fetch: Fetch, seconds: float, now: float) -> None:
        """It didn't come, and that took so long; it is tried again."""
        self.buffer.advance(now)
        self._failures += 1
        first, longest = RETRY
        again = now + min(longest, first * 2.0 ** min(self._failures - 1, 8))
        self._throughput.add(0, seconds)
        if fetch.segment is not None:
            self._segment_at = again
        elif fetch.rendition != self._rendition:  # the one that plays will do for now
            self._switch_at, self._wanted = again, self._rendition
        else:
            self._reload_at = again

    def _segment(self) -> Segment | None:
        """The next one, where the playlist has it already."""
        media = self._media
        if media is None or self._next >= media.end:
            return None
        return media.segments[self._next - media.sequence]

    def _find(self, before: Media | None, same: bool) -> None:
        """Where to go on in the playlist that has just come."""
        media = self._media
        assert media is not None
        if before is None:
            self._next = _start(media)
            return
        if not same and self._until is not None:  # numbers of two renditions need not be the same (6.2.4)
            self._next = _after(media, self._until, self._next)
        if not media.sequence <= self._next <= media.end + len(media.segments):
            self._tally.skips += 1
            self._next = _start(media)

    def _count_switch(self, rendition: int) -> None:
        if self._fetched is not None:
            self._tally.switches_up += rendition > self._fetched
            self._tally.switches_down += rendition < self._fetched
        self._fetched = rendition

    def _renditions(self) -> tuple[Rendition, ...]:
        return self._master.renditions if self._master is not None else ()

    def _playlist_url(self, rendition: int) -> str:
        if self._master is None:
            return self._url
        return _join(self._url, self._master.renditions[rendition].uri)


@lru_cache(maxsize=4096)
def _join(base: str, uri: str) -> str:
    """Remembered: all viewers of a room fetch the same within a second or two, and joining takes as long as sending."""
    return urljoin(base, uri)


def _start(media: Media) -> int:
    """The number of the segment to begin with: the last that is at least three target durations from the end; the
    first of a stream that has ended."""
    number, seconds, wanted = media.end, 0.0, EDGE * max(media.target, _SHORTEST_TARGET)
    while number > media.sequence and (media.ended or seconds < wanted):
        number -= 1
        seconds += media.segments[number - media.sequence].seconds
    return number


def _after(media: Media, until: float, number: int) -> int:
    """The number of the segment that was recorded at that time; the same number where the playlist has no times."""
    for index, segment in enumerate(media.segments):
        if segment.at is None:
            return number
        if segment.at + segment.seconds / 2 > until:
            return media.sequence + index
    return media.end if media.segments else number
