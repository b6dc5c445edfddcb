"""The built-in scenarios, as they are but in a hurry, against the small platform."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from loadtests import people, runner
from loadtests.entries import read_entries
from loadtests.forbidden import recognise
from loadtests.history import OrderOutcome, read_history
from loadtests.scenarios import __path__ as scenarios

HURRY = """
from loadtests.scenarios import {module} as original
from loadtests.users import constant, people

{changes}

class Viewer(original.Viewer):
    wait_time = constant({wait})
"""


@pytest.fixture
def hurried(tmp_path: Path) -> Callable[..., str]:
    """A scenario whose viewers wait for less; figures of people may be changed, too."""

    def write(module: str, wait: float = 0.2, **figures: float) -> str:
        changes = "\n".join(f"people.{name} = {value}" for name, value in figures.items())
        file = tmp_path / f"hurried_{module}.py"
        file.write_text(HURRY.format(module=module, wait=wait, changes=changes))
        return str(file)

    return write


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_chat_that_masks_and_keeps_the_order_has_no_violations_in_any_room(
    platform, run, supervisor, hurried, spec, guard
):
    platform.moderate = lambda text: f"*** {text.split()[-1]}" if recognise(text.rpartition("~")[0]) else text
    rooms = ("main", "attic", "cellar")
    asked = spec(hurried("chat", FORBIDDEN=0.3), viewers=30, rooms=rooms, duration=60.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await until(lambda: platform.joined == 30)
    inside = Counter(platform.rooms.values())
    await until(lambda: len(platform.comments) > 400)
    platform.open_sale()
    await load.stop()
    result = load.result()
    assert result.chat["forbidden_said"] > 50
    assert (result.chat["forbidden_delivered"], result.chat["forbidden_examples"]) == (0, [])
    assert result.chat["order_checked"] > 200
    assert (result.chat["out_of_order"], result.chat["order_examples"]) == (0, [])
    assert set(inside) <= set(rooms)  # each viewer draws one: the smallest may stay empty
    head, small = result.rooms["head"], result.rooms["small"]
    assert (head["connections"], small["connections"]) == (inside["main"], 30 - inside["main"])
    assert (head["most"], small["most"]) == (inside["main"], 30 - inside["main"])
    assert head["on_time"] + small["on_time"] == result.deliveries["on_time"] > 1000
    assert small["on_time"] > 0
    assert 0 < small["delivery"]["p50"] < 1


@pytest.mark.slow
async def test_every_worker_sees_what_must_not_be_delivered_and_each_comment_counts_once(
    platform, run, supervisor, hurried, spec, guard
):
    """Full-width letters pass the filter, and each batch of comments is turned around."""

    def blind(text: str) -> str:
        said = text.rpartition("~")[0]
        return text if not recognise(said) or "\uff01" <= max(said) <= "\uff5e" else f"*** {text.split()[-1]}"

    platform.moderate, platform.arrange = blind, lambda comments: comments[::-1]
    asked = spec(hurried("chat", wait=0.06, FORBIDDEN=0.5), viewers=8, workers=2, duration=60.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await until(lambda: sum(recognise(blind(text)) is not None for _, text in platform.comments) > 30)
    await asyncio.gather(load.stop())
    passed = [text for _, text in platform.comments if recognise(blind(text))]
    chat = load.result().chat
    assert len(passed) * 0.8 <= chat["forbidden_delivered"] <= len(passed)
    assert chat["forbidden_said"] >= len(passed) * 2
    assert len(chat["forbidden_examples"]) == len(chat["order_examples"]) == 10
    for example in chat["forbidden_examples"]:
        assert recognise(example["text"]) == example["phrase"]
        assert any(example["comment"] in text for text in passed)
    assert 0 < chat["out_of_order"] < chat["order_checked"]


async def test_a_flash_sale_is_rushed_paid_repeated_and_tried_beyond_its_limit(
    platform, run, supervisor, hurried, spec, guard
):
    platform.limit, platform.declines = 1, 2  # an app tries three times
    file = hurried("flash_sale", INTERESTED=1.0, IMPATIENT=1.0, GREEDY=1.0, PAYING=0.1)
    asked = spec(file, viewers=20, duration=60.0)
    load = await runner.start(supervisor, asked, run, platform.target(limit=1), guard)
    await until(lambda: platform.joined == 20)
    platform.open_sale(stock=12)
    await until(lambda: len(platform.attempts) == 20 + len(platform.paid) == 20 + 12)
    await load.stop()
    records = list(read_history(run.path / "load"))
    sold = {record.key: record for record in records if record.outcome is OrderOutcome.ACCEPTED}
    assert len(sold) == 12
    assert {record.order_id for record in sold.values()} == set(platform.paid)
    reasons = Counter(record.reason for record in records)
    assert (reasons["sold_out"], reasons["limited"]) == (8, 12)
    repeated = [key for key, times in Counter(record.key for record in records).items() if times == 2]
    assert set(repeated) == set(sold)
    for key in repeated:
        assert len({(record.order_id, record.outcome, record.user) for record in records if record.key == key}) == 1
        assert len({record.traceparent for record in records if record.key == key}) == 2
    result = load.result()
    assert result.orders["accepted"] == 12
    assert {row.name: row.requests for row in result.requests}["repeat"] == 12
    assert result.failures == 2


async def test_a_draw_is_entered_and_everybody_hears_what_they_have_won(
    platform, run, supervisor, hurried, spec, guard
):
    platform.misbehave = lambda attempt: 503 if attempt == 1 else ""
    asked = spec(hurried("draw", PLAYING=1.0), viewers=12, duration=60.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await until(lambda: platform.joined == 12)
    platform.open_draw("d1")
    await until(lambda: len(platform.entrants["d1"]) == 12)
    platform.draw_winner("d1", "a scarf")
    platform.open_draw("d2")
    await until(lambda: len(platform.entrants["d2"]) == 12)
    platform.draw_winner("d2", "a mug", told=False)
    platform.entrants["d3"] = {}
    platform.closed.add("d3")
    platform.tell(type="draw_opened", draw="d3")
    await until(lambda: len(list(read_entries(run.path / "load"))) == 36)
    await load.stop()
    entries = list(read_entries(run.path / "load"))
    by_draw = {draw: [entry for entry in entries if entry.draw == draw] for draw in ("d1", "d2", "d3")}
    for draw, prize in (("d1", "a scarf"), ("d2", "a mug")):
        assert {(entry.outcome, entry.answered, entry.status) for entry in by_draw[draw]} == {("entered", True, 200)}
        assert {entry.user: entry.prize or None for entry in by_draw[draw]} == platform.entrants[draw]
        assert Counter(entry.prize for entry in by_draw[draw]) == {"": 11, prize: 1}
    assert {(entry.outcome, entry.answered, entry.status) for entry in by_draw["d3"]} == {("refused", False, 409)}
    assert all(entry.start <= entry.end for entry in entries)
    assert len({entry.traceparent for entry in entries}) == 36
    rows = {row.name: row for row in load.result().requests}
    assert rows["draw enter"].failures == 12


def test_a_scenario_is_short_enough_to_be_read_as_an_example():
    for folder in scenarios:
        for file in Path(folder).glob("[!_]*.py"):
            assert len(file.read_text().splitlines()) <= 90, file.name


def test_figures_of_people_are_shares_or_seconds():
    for name in ("BOTS", "INTERESTED", "FORBIDDEN", "PLAYING", "CHEERING", "GREEDY", "IMPATIENT"):
        assert 0 < getattr(people, name) < 1
    assert people.STAY > people.COMMENT_EVERY > people.REACTION


async def test_the_example_of_the_docs_runs(platform, run, supervisor, spec, guard, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text()
    (example,) = [token.content for token in MarkdownIt().parse(page) if token.info == "python"]
    file = tmp_path / "browsers.py"
    file.write_text(example.replace("between(2, 6)", "between(0.1, 0.3)"))
    load = await runner.start(supervisor, spec(str(file), duration=60.0), run, platform.target(), guard)
    await until(lambda: platform.joined == 6)
    platform.open_sale()
    await until(lambda: platform.paid and platform.comments and platform.stock["lipstick-01"] == 0)
    await load.stop()
    assert load.result().failures == 0
    assert "Traceback" not in supervisor.children[0].log.read_text()
