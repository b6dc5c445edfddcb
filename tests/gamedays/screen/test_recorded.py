from __future__ import annotations

import re

import pytest

from gamedays.screen.layout import frame
from gamedays.screen.recorded import telling, view
from gamedays.story.story import read_story


def shown(run, width: int = 100, height: int = 30) -> list[str]:
    story = read_story(run)
    return [line.plain for line in frame(view(story, telling(story)), width, height)]


def test_the_most_telling_instant_shows_the_fault_the_page_and_the_runbook(rehearsed):
    lines = shown(rehearsed())
    assert re.search(r"  MITIGATION  01:02 of 02:00$", lines[0])
    text = "\n".join(lines)
    for part in (
        r"viewers +2,000  ▇+\n",
        r"orders/s +31  ▇+\n",
        r"comments/s +-",
        r"order-latency +50 %  of 99 % +below  .*▇▇[▁▂▃▄▅]+\n",
        r"order-availability +100 %  of 99.5 %",
        r"broken +network.latency on inventory, bites, 13 s of 60 s",
        r"page +OrderLatencyBurn, 00:57",
        r"next +sale, wave 3, in 28 s, at 01:30",
        r"00:57  runbook +Mitigation · reserve-blocks: done",
    ):
        assert re.search(part, text), text


@pytest.mark.parametrize(
    ("what", "phase"),
    [
        ({"paged": None, "recovered": None}, "FAULT  00:51"),
        ({"runbook": None, "recovered": None}, "FAULT  00:58"),
        ({"injected": False, "paged": None}, "BASELINE  01:01"),
        ({"control": "no-runbook", "recovered": None}, "FAULT  00:58"),
        ({"interrupted": 20.0}, "BASELINE  00:11"),
    ],
)
def test_a_run_without_all_of_that_has_an_instant_too(rehearsed, what, phase):
    lines = shown(rehearsed(**what))
    assert phase in lines[0]
    assert ("control: no-runbook" in lines[0]) == ("control" in what)


def test_a_run_without_any_figures_can_be_shown(rehearsed):
    assert sum("no data  of" in line for line in shown(rehearsed(prometheus_lost=70.0), 80, 24)) == 3
