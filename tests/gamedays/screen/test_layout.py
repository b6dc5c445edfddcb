from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_screens import ABOUT, PAGE, STORY, event, state
from rich.cells import cell_len

from gamedays.screen.figures import KEPT, Figures
from gamedays.screen.layout import View, frame

LONG = "the-availability-of-orders-in-the-rooms-of-the-great-sale-of-november"


def lines(view: View, width: int = 80, height: int = 24) -> list[str]:
    return [line.plain.rstrip() for line in frame(view, width, height)]


def row(view: View, label: str, **size: int) -> str:
    return next(line for line in lines(view, **size) if re.match(rf"  {label}\b", line))


def full(slos, good: float | None) -> Figures:
    """Five minutes of figures, all the same."""
    some = (12345.6,) * KEPT
    return Figures(some, some, some, {slo.name: (good,) * KEPT for slo in slos})


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("count", [1, 9, 30])
@pytest.mark.parametrize("name", ["order-latency", LONG])
def test_every_frame_fits_its_terminal(view, prepared, name, count, size):
    slos = [prepared.slos[1].model_copy(update={"name": f"{name}-{number}"}) for number in range(count)]
    plan = prepared.plan.model_copy(update={"metadata": prepared.plan.metadata.model_copy(update={"name": LONG * 3})})
    for at, *_ in STORY[::3]:
        seen = lines(view(at, plan=plan, slos=slos, figures=full(slos, 0.2), printed="oh! " * 90), *size)
        assert len(seen) <= size[1]
        assert max(map(cell_len, seen)) <= size[0]
        below = sum(bool(re.search(r"  below  ", line)) for line in seen)
        hidden = re.search(r"and (\d+) more, \1 of them below", "\n".join(seen))
        assert below + int(hidden[1] if hidden else 0) == count


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 250), st.integers(1, 90), st.sampled_from([row[0] for row in STORY]), st.booleans())
def test_it_fits_in_any_size_that_a_terminal_may_shrink_to(view, width, height, at, printed):
    seen = lines(view(at, printed="某物 printed" if printed else ""), width, height)
    assert len(seen) <= height
    assert max(map(cell_len, seen)) <= width


def test_the_head_says_plan_target_phase_and_clock(view):
    assert lines(view(58.0))[0].startswith("flash-sale-rehearsal · embedded storefront   ")
    assert lines(view(58.0))[0].endswith("  MITIGATION  00:58 of 02:00")
    assert lines(view(-2.0))[0].endswith("  STARTING  00:06")
    assert lines(view(300.0))[0].endswith("  JUDGING  02:00 of 02:00")
    assert " · control: no-runbook " in lines(view(58.0, control="no-runbook"))[0]


def test_it_says_what_is_broken_who_was_paged_what_is_done_and_what_comes_next(view):
    before, during, after = view(10.0), view(58.0), view(111.0)
    assert row(before, "broken") == "  broken   nothing"
    assert row(before, "page") == "  page     none"
    assert row(during, "broken") == "  broken   network.latency on inventory, bites, 8 s of 60 s"
    assert row(during, "page") == "  page     OrderLatencyBurn, 00:54"
    assert row(during, "runbook") == "  runbook  order-latency: Mitigation · reserve-blocks, 4 s"
    assert row(during, "next") == "  next     sale, wave 2, in 2 s, at 01:00"
    assert row(after, "runbook") == "  runbook  order-latency: taken back, 01:50"
    assert row(after, "next") == "  next     the end of the load, in 9 s, at 02:00"
    assert row(view(130.0), "next") == "  next     the verdict"
    assert row(view(-3.0), "next") == "  next     the first viewers"


def test_rates_and_objectives_have_their_last_value_and_a_sparkline(view, prepared):
    good = {"order-latency": (1.0, 0.985, None, 0.862), "chat-delivery": (None,)}
    seen = view(58.0, figures=Figures((700.0, 1500.0), (40.0,), (0.0, 12.0), good))
    assert row(seen, "viewers") == "  viewers         1,500  ▄▇"
    assert row(seen, "orders/s") == "  orders/s           40  ▇"
    assert row(seen, "comments/s") == "  comments/s         12  ▁▇"
    assert re.fullmatch(r"  order-latency +86.2 %  of 99 % +below  ▇▅·▃", row(seen, "order-latency"))
    assert re.fullmatch(r"  chat-delivery +no data  of 99 % +·", row(seen, "chat-delivery"))
    assert re.fullmatch(r"  order-availability +no data  of 99.5 %", row(seen, "order-availability"))


def test_those_objectives_are_shown_that_are_missed(view, prepared):
    slos = [prepared.slos[1].model_copy(update={"name": f"slo-{number}"}) for number in range(20)]
    figures = Figures((), (), (), {slo.name: (0.5 if slo.name == "slo-19" else 1.0,) for slo in slos})
    seen = lines(view(58.0, slos=slos, figures=figures))
    assert next(line for line in seen if "slo-" in line).startswith("  slo-19")
    assert "  and 13 more, none of them below" in seen
    figures = Figures((), (), (), {slo.name: (0.5,) for slo in slos})
    assert "  and 13 more, 13 of them below" in lines(view(58.0, slos=slos, figures=figures))


def test_several_faults_are_counted_where_there_is_little_room_and_listed_where_there_is_more(view, prepared):
    found = state(58.0)
    for number, on in enumerate(["live", "origin"]):
        found = found.after(event(56 + number, "fault", "injected", **{**ABOUT, "id": on, "on": on}))
    found = found.after(event(57, "alert", "page", **{**PAGE, "alert": "PlaybackStallBurn"}))
    seen = view(58.0, state=found, slos=prepared.slos * 3, printed="a warning (logs/flashcrowd.log)")
    assert row(seen, "broken") == "  broken   3: network.latency on inventory, bites, 8 s of 60 s"
    assert row(seen, "page") == "  page     2: PlaybackStallBurn, 00:57"
    assert row(seen, "printed") == "  printed  a warning (logs/flashcrowd.log)"
    tall = lines(seen, 120, 40)
    start = next(number for number, line in enumerate(tall) if line.startswith("  broken"))
    assert tall[start + 1 : start + 3] == [
        "           network.latency on live, 2 s of 60 s",
        "           network.latency on origin, 1 s of 60 s",
    ]


def test_more_room_shows_more_of_what_happened(view):
    def told(height: int) -> int:
        return sum(bool(re.match(r"  \d\d:\d\d  ", line)) for line in lines(view(120.0), 80, height))

    assert told(24) < told(40) == len(STORY) - 1


def test_the_control_without_the_fault_announces_none(view):
    assert "network.latency" in "\n".join(lines(view(31.0), 80, 40))
    assert "network.latency" not in "\n".join(lines(view(31.0, control="no-fault"), 80, 40))
    assert "░" not in lines(view(31.0, control="no-fault"))[1]


def test_an_escape_in_what_a_platform_answered_is_not_shown(view):
    told = state(51.0).after(event(52, "fault", "bites", **{**ABOUT, "message": "\x1b[2J\x1b[31mred\x07\n"}))
    assert lines(view(52.0, state=told))[-1].endswith("network.latency on inventory bites: ?[2J?[31mred?")
