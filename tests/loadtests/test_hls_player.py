"""The player against a simulated stream, whose every moment is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.hls.buffer import Buffer
from loadtests.hls.player import Fetch, Player
from loadtests.hls.playlist import Master, Media, PlaylistError, Rendition, Segment
from loadtests.hls.throughput import DEFAULT, Throughput, choose
from loadtests.playback import Playback

URL = "http://host/room/live.m3u8"


@dataclass
class Encoder:
    """Makes a segment of `target` seconds every `target` seconds, from the epoch on, and stands still once.

    The last `window` segments are in its playlist. latency: seconds that each answer takes. rate: bits a second.
    """

    target: float = 1.0
    freeze_at: float = 1e9
    freeze: float = 0.0
    window: int = 6
    latency: float = 0.0
    rate: float = 1e9
    renditions: tuple[int, ...] = ()
    ended: bool = False
    broken: set[float] = field(default_factory=set)
    fed: list[tuple[float, float]] = field(default_factory=list)

    def made(self, now: float) -> int:
        """How many segments there are."""
        return int((min(now, self.freeze_at) + max(0.0, now - self.freeze_at - self.freeze)) / self.target + 1e-9)

    def playlist(self, now: float) -> Media:
        end = self.made(now)
        first = max(0, end - self.window)
        segments = [Segment(f"{n}.ts", self.target, n * self.target) for n in range(first, end)]
        return Media(self.target, first, tuple(segments), self.ended)

    def run(self, player: Player, start: float, until: float) -> None:
        """Let the player play from start until then."""
        now = start
        while now < until:
            wanted = player.next(now)
            if isinstance(wanted, Fetch):
                now += self.answer(player, wanted, now)
            else:
                assert wanted > now
                now = wanted
        player.buffer.advance(until)

    def answer(self, player: Player, wanted: Fetch, now: float) -> float:
        """Answer; gives the seconds that it took."""
        size = self.target * (self.renditions[wanted.rendition] if self.renditions else 1e6) / 8
        seconds = self.latency + (8 * size / self.rate if wanted.segment else 0.0)
        if any(begin <= now < begin + 1.0 for begin in self.broken):
            player.failed(wanted, seconds, now + seconds)
        elif wanted.segment is not None:
            self.fed.append((now + seconds, wanted.segment.seconds))
            player.fed(wanted, int(size), seconds, now + seconds)
        elif wanted.url == URL and self.renditions:
            player.loaded(wanted, Master(tuple(Rendition(f"{b}.m3u8", b) for b in self.renditions)), now)
        else:
            player.loaded(wanted, self.playlist(now + seconds), now)
        return seconds

    def noticed(self) -> bool:
        """Whether any segment was missing for a tenth of a second."""
        dry, longest = self.fed[0][0], 0.0
        for at, seconds in self.fed:
            longest, dry = max(longest, at - dry), max(dry, at) + seconds
        return longest >= 0.1

    def stalled(self, until: float) -> float:
        """Seconds without a picture by Lindley's recursion over when segments came: D. Lindley, 1952."""
        dry, stalled = self.fed[0][0], 0.0
        for at, seconds in self.fed:
            stalled += max(0.0, at - dry)
            dry = max(dry, at) + seconds
        return stalled + max(0.0, until - dry)


def test_a_stall_is_counted_from_a_tenth_of_a_second_on_and_its_time_in_any_case():
    tally = Playback()
    buffer = Buffer(tally, 0.0)
    for at in (1.0, 2.0625, 3.1875, 4.1875):
        buffer.add(1.0, at)
    assert (tally.stalls, tally.stalled) == (1, 0.0625 + 0.125)


def watch(encoder: Encoder, start: float = 100.0, until: float = 160.0) -> Playback:
    tally = Playback()
    encoder.run(Player(URL, tally, start), start, until)
    return tally


def test_a_stream_without_trouble_is_played_three_target_durations_behind_live():
    encoder = Encoder(latency=0.05)
    tally = watch(encoder, start=100.2)
    assert (tally.players, tally.starts_on_time, tally.starts_late, tally.stalls, tally.skips) == (1, 1, 0, 0, 0)
    assert tally.startup_times.highest == pytest.approx(0.101)
    assert tally.watched == pytest.approx(160.0 - 100.301)
    assert tally.delay_times.quantile(0.5) == pytest.approx(3.301, rel=0.01)


@settings(max_examples=100, deadline=None)
@given(
    target=st.sampled_from([1.0, 2.0, 6.0]),
    phase=st.floats(0, 6),
    freeze=st.floats(0, 60),
    latency=st.floats(0, 0.4),
)
def test_a_stream_that_stands_still_for_a_known_time_stalls_the_picture_for_what_the_buffer_did_not_bridge(
    target, phase, freeze, latency
):
    encoder = Encoder(target, freeze_at=150.0 + phase, freeze=freeze, latency=latency)
    tally = watch(encoder, 100.0, 300.0)
    assert tally.stalled == pytest.approx(encoder.stalled(300.0), abs=1e-6)
    held = 3 * target  # seconds that the buffer holds at least, from the moment of the last segment on
    assert max(0.0, freeze - held - target) <= tally.stalled + 1e-6
    assert tally.stalled <= max(0.0, freeze - held + target + target / 2 + 3 * latency) + 1e-6
    assert bool(tally.stalls) == encoder.noticed()


@given(st.lists(st.tuples(st.floats(0.01, 5), st.floats(0.01, 4)), min_size=1, max_size=30))
def test_a_buffer_stalls_for_as_long_as_segments_were_missing_however_late_one_looks(steps):
    encoder, tally, now = Encoder(), Playback(), 0.0
    buffer = Buffer(tally, now)
    for gap, seconds in steps:
        now += gap
        encoder.fed.append((now, seconds))
        buffer.add(seconds, now)
    buffer.advance(now + 20.0)
    assert tally.stalled == pytest.approx(encoder.stalled(now + 20.0))
    assert tally.watched == pytest.approx(now + 20.0 - steps[0][0])


def test_a_playlist_is_reloaded_after_its_target_duration_and_half_of_it_when_nothing_was_new():
    player, media = Player(URL, Playback(), 100.0), Encoder(2.0).playlist(100.0)
    fetch = Fetch(URL, 0)
    assert player.next(100.0) == fetch
    player.loaded(fetch, Media(2.0, 7, ()), 100.0)
    assert player.next(100.3) == 102.0
    player.loaded(fetch, Media(2.0, 7, ()), 102.0)
    assert player.next(102.3) == 103.0
    player.loaded(fetch, media, 103.0)
    assert isinstance(player.next(103.1), Fetch)


def test_a_stream_that_never_begins_is_a_late_start_and_no_stall():
    tally = watch(Encoder(freeze_at=0.0, freeze=1e9), until=130.0)
    assert (tally.starts_on_time, tally.starts_late, tally.watched, tally.stalls) == (0, 1, 0.0, 0)
    assert tally.summary()["startup"] == {}


def test_the_end_of_a_stream_is_no_stall():
    tally = watch(Encoder(window=1000, ended=True), until=400.0)
    assert tally.stalls == 0
    assert tally.watched == pytest.approx(100.0, abs=0.2)


def test_a_player_that_fell_out_of_the_window_jumps_to_the_live_edge():
    encoder, tally = Encoder(window=4), Playback()
    player = Player(URL, tally, 100.0)
    encoder.run(player, 100.0, 110.0)
    encoder.run(player, 130.0, 140.0)
    assert tally.skips == 1
    assert tally.delay_times.quantile(0.9) < 6.0


def test_an_encoder_that_begins_anew_is_followed():
    tally = Playback()
    player = Player(URL, tally, 1000.0)
    Encoder().run(player, 1000.0, 1010.0)
    player.loaded(Fetch(URL, 0), Media(1.0, 0, (Segment("anew.ts", 1.0),)), 1011.0)
    assert player.next(1011.1) == Fetch("http://host/room/anew.ts", 0, Segment("anew.ts", 1.0))
    assert tally.skips == 1


def test_a_rendition_that_leads_to_a_master_playlist_again_is_refused():
    player, master = Player(URL, Playback(), 100.0), Master((Rendition("live.m3u8", 1),))
    player.loaded(Fetch(URL, 0), master, 100.0)
    with pytest.raises(PlaylistError, match="another master playlist"):
        player.loaded(Fetch(URL, 0), master, 100.0)
    player.failed(Fetch(URL, 0), 0.1, 100.1)
    assert player.next(100.1) == pytest.approx(101.1)


def test_failures_are_tried_again_and_cost_the_buffer_only():
    encoder = Encoder(broken={120.0, 140.5})
    tally = watch(encoder)
    assert (tally.stalls, tally.skips) == (0, 0)
    assert len(encoder.fed) > 55


def test_quality_follows_the_throughput_up_and_down_and_does_not_flutter():
    encoder, tally = Encoder(renditions=(300_000, 1_000_000, 3_000_000), rate=10e6), Playback()
    player = Player(URL, tally, 100.0)
    encoder.run(player, 100.0, 130.0)
    assert (tally.switches_up, tally.switches_down) == (1, 0)
    encoder.rate = 1.2e6
    encoder.run(player, 130.0, 200.0)
    assert (tally.switches_up, tally.switches_down) == (1, 1)
    encoder.rate = 1.3e6
    encoder.run(player, 200.0, 260.0)
    assert (tally.switches_up, tally.switches_down) == (1, 1)


def test_numbers_that_differ_between_renditions_are_matched_by_their_times():
    tally = Playback()
    player = Player(URL, tally, 100.0)
    low, high = (Rendition(f"{name}.m3u8", bits) for name, bits in (("low", 100_000), ("high", 2_000_000)))
    player.loaded(Fetch(URL, 0), Master((low, high)), 100.0)
    times = [Segment(f"{n}.ts", 1.0, 90.0 + n) for n in range(6)]
    player.loaded(Fetch("http://host/room/low.m3u8", 0), Media(1.0, 500, tuple(times)), 100.0)
    first = player.next(100.1)
    assert isinstance(first, Fetch)
    assert first.url == "http://host/room/3.ts"
    player.fed(first, 10_000_000, 0.1, 100.2)
    up = player.next(100.2)
    assert up == Fetch("http://host/room/high.m3u8", 1)
    player.loaded(up, Media(1.0, 7, tuple(times)), 100.2)
    assert player.next(100.3) == Fetch("http://host/room/4.ts", 1, times[4])
    assert tally.skips == 0


@given(
    st.lists(st.integers(1, 10**8), min_size=1, max_size=6, unique=True),
    st.floats(0, 2e8),
    st.integers(0, 5),
)
def test_a_rendition_is_kept_at_95_percent_of_the_throughput_and_a_larger_one_taken_at_70(bits, estimate, current):
    renditions = [Rendition("", one) for one in sorted(bits)]
    current = min(current, len(renditions) - 1)
    chosen = choose(renditions, current, estimate)
    if chosen > current:
        assert renditions[chosen].bandwidth <= 0.7 * estimate
    if 0 < chosen <= current:
        assert renditions[chosen].bandwidth <= 0.95 * estimate
    if chosen < current:
        assert renditions[chosen + 1].bandwidth > 0.95 * estimate


@given(st.lists(st.tuples(st.integers(1, 10**7), st.floats(0.06, 10)), min_size=1, max_size=30))
def test_an_estimate_lies_within_what_was_measured(downloads):
    throughput = Throughput()
    assert throughput.estimate == DEFAULT
    for size, seconds in downloads:
        throughput.add(size, seconds)
    rates = [8 * size / seconds for size, seconds in downloads]
    assert min(rates) * 0.999 <= throughput.estimate <= max(rates) * 1.001
