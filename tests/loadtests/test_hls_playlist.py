from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.hls.player import Fetch, Player
from loadtests.hls.playlist import Master, Media, PlaylistError, PlaylistReader, Rendition, Segment, parse
from loadtests.playback import Playback

MASTER = b"""#EXTM3U
#EXT-X-VERSION:6
#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS="avc1.64001f,mp4a.40.2"
high.m3u8
#EXT-X-STREAM-INF:CODECS="a,BANDWIDTH=1",BANDWIDTH=400000
low.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI="iframes.m3u8"
"""

MEDIA = b"""#EXTM3U\r
#EXT-X-TARGETDURATION:2\r
#EXT-X-MEDIA-SEQUENCE:41\r
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T10:00:00.500Z\r
#EXTINF:1.5,first\r
41.ts\r
# a comment\r
#EXTINF:2,\r
42.ts\r
#EXT-X-DISCONTINUITY\r
#EXTINF:1,\r
#EXT-X-BYTERANGE:100@50\r
all.ts\r
#EXTINF:1,\r
#EXT-X-BYTERANGE:10\r
all.ts\r
"""

lines = st.sampled_from(
    [*MASTER.splitlines(), *MEDIA.splitlines(), b"#EXT-X-ENDLIST", b"#EXTINF:nan,", b"//[", b"\xff"]
)
nearly = st.lists(lines | st.binary(max_size=12), max_size=20).map(lambda found: b"\n".join([b"#EXTM3U", *found]))


def test_a_master_playlist_lists_its_renditions_from_the_smallest():
    assert parse(MASTER) == Master((Rendition("low.m3u8", 400_000), Rendition("high.m3u8", 2_500_000)))


def test_a_media_playlist_has_its_segments_with_the_times_that_follow_from_the_first():
    at = 1795600800.5
    assert parse(MEDIA) == Media(
        2.0,
        41,
        (
            Segment("41.ts", 1.5, at),
            Segment("42.ts", 2.0, at + 1.5),
            Segment("all.ts", 1.0, None, "bytes=50-149"),
            Segment("all.ts", 1.0, None, "bytes=150-159"),
        ),
    )


def test_an_ended_playlist_says_so():
    assert parse(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n") == Media(2.0, 0, (), ended=True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "begins with #EXTM3U"),
        (b"<html>", "begins with #EXTM3U"),
        (b"#EXTM3U\n\xff", "not UTF-8"),
        (b"#EXTM3U\n", "no #EXT-X-TARGETDURATION"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\na.ts\n", "no #EXTINF"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:nan,\na.ts\n", "#EXTINF: 'nan'"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:-1,\na.ts\n", "#EXTINF: '-1'"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PROGRAM-DATE-TIME:today\n", "is no time"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://[\n", "is no address"),
        (b"#EXTM3U\n#EXT-X-STREAM-INF:RESOLUTION=1x1\na.m3u8\n", "BANDWIDTH"),
        (b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "no rendition"),
    ],
)
def test_what_is_no_playlist_is_refused_with_the_reason(data, why):
    with pytest.raises(PlaylistError, match=why):
        parse(data)


@given(st.binary(max_size=200) | nearly)
@example(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n\xe2\x80\xa8 \x00\n")
def test_whatever_the_bytes_are_a_player_gets_a_playlist_or_the_parsers_own_error(data):
    reader, player = PlaylistReader(), Player("http://host/live.m3u8", Playback(), 0.0)
    try:
        playlist = reader.read(data)
    except PlaylistError:
        return
    assert reader.read(data) is playlist
    player.loaded(Fetch("http://host/live.m3u8", 0), playlist, 0.0)
    wanted = player.next(0.0)
    assert wanted.url if isinstance(wanted, Fetch) else wanted > 0.0


def test_only_the_last_playlists_are_remembered():
    reader = PlaylistReader()
    first = reader.read(MEDIA)
    for number in range(1000, 1256):
        reader.read(MEDIA.replace(b"SEQUENCE:41", b"SEQUENCE:%d" % number))
    assert reader.read(MEDIA) is not first
