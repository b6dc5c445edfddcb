from __future__ import annotations

from gamedays.report.observed import behaviour, picture
from loadtests.freshness import Freshness
from loadtests.hls.buffer import Buffer
from loadtests.playback import Playback


def test_nothing_is_said_of_what_nobody_did():
    assert picture({}) == behaviour({}) == []


def test_the_picture_is_told_in_five_lines():
    tally = Playback()
    buffer = Buffer(tally, 0.0)
    for at in (0.5, 1.0, 5.5):
        buffer.add(2.0, at)
        tally.behind(3.0)
    assert picture(tally.summary()) == [
        "picture       players: 1; 0 had no picture after 2 s",
        "              started after p50 500 ms, p99 500 ms, max 500 ms",
        "              20.00% of 5.0 s in stalls (1 of them)",
        "              behind live p50 3.0 s, p99 3.0 s, max 3.0 s",
        "              quality changed 0 times",
        "",
    ]


def test_a_picture_that_never_came_and_a_delay_that_nobody_knows_are_said():
    tally = Playback()
    buffer = Buffer(tally, 0.0)
    buffer.advance(3.0)
    assert picture(tally.summary()) == [
        "picture       players: 1; 1 had no picture after 2 s",
        "              no data: none of them ever saw anything",
        "",
    ]
    buffer.add(1.0, 4.0)
    buffer.advance(4.5)
    assert "delay: no data, as the playlist has no EXT-X-PROGRAM-DATE-TIME" in picture(tally.summary())[3]


def test_behaviour_is_told_with_what_became_of_its_sample():
    tally = Freshness()
    tally.sent.update(accepted=40, failed=2)
    assert "freshness: no data" in behaviour(tally.summary())[1]
    tally.probed("click", "fresh")
    tally.visible(1.0)
    tally.probed("click", "late")
    tally.lost = 1
    assert behaviour(tally.summary()) == [
        "behaviour     42 events, 2 of them not taken",
        "              2 asked for: 1 fresh, 1 late, 1 never visible",
        "              visible after p50 1.0 s, p99 1.0 s, max 1.0 s",
        "",
    ]
