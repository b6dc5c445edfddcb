from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.chat_tally import EXAMPLES, MOST, ChatTally
from loadtests.markers import Marker, mark, markers
from loadtests.witness import Witness, Witnesses

NOW = 1_800_000_000.0
said = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30)), max_size=60)


def comments(*origins: tuple[int, int], at: float = NOW, forbidden: bool = False) -> tuple[Marker, ...]:
    return markers(" ".join(mark(sender, number, at, forbidden) for sender, number in origins).encode())


def seen(*frames: tuple[tuple[int, int], ...]) -> ChatTally:
    tally = ChatTally()
    witness = Witness("main", NOW - 1, tally)
    for frame in frames:
        witness.see(comments(*frame))
    return tally


@settings(deadline=None)
@given(said, st.integers(1, 5))
def test_comments_in_their_senders_order_are_kept_however_senders_and_frames_are_mixed(origins, size):
    ordered = [(sender, number) for number, (sender, _) in enumerate(origins, 1)]
    tally = seen(*(tuple(ordered[at : at + size]) for at in range(0, len(ordered), size)))
    assert (tally.order_checked, tally.order_broken) == (len(origins), 0)


@settings(deadline=None)
@given(said)
def test_each_comment_behind_a_later_one_of_its_sender_is_counted(origins):
    highest: dict[int, int] = {}
    late = 0
    for sender, number in origins:
        late += number < highest.get(sender, 0)
        highest[sender] = max(number, highest.get(sender, 0))
    tally = seen(tuple(origins))
    assert tally.order_broken == late
    assert len(tally.summary()["order_examples"]) == min(late, EXAMPLES)


def test_gaps_and_a_comment_that_comes_twice_at_once_are_no_fault():
    assert seen(((1, 1), (1, 5)), ((1, 5), (1, 9))).order_broken == 0


def test_an_example_says_which_comment_of_which_room_came_after_which():
    (example,) = seen(((1, 2), (1, 1))).summary()["order_examples"]
    assert (example["room"], example["number"], example["after"], example["sent"]) == ("main", 1, 2, NOW)
    assert example["comment"] == mark(1, 1, NOW)


def test_what_was_said_before_a_witness_came_is_no_evidence():
    tally = ChatTally()
    Witness("main", NOW + 1, tally).see(comments((1, 2), (1, 1)))
    assert (tally.order_checked, tally.order_broken) == (0, 0)


def test_a_room_has_one_witness_and_gets_another_when_that_is_gone():
    witnesses = Witnesses(ChatTally())
    assert witnesses.appoint("main", NOW) is not None
    assert witnesses.appoint("main", NOW) is None
    assert witnesses.appoint("attic", NOW) is not None
    witnesses.resign("main")
    assert witnesses.vacant == {"main"}
    assert witnesses.appoint("main", NOW) is not None
    assert witnesses.vacant == set()


def test_workers_who_saw_the_same_forbidden_comment_count_it_once():
    merged = ChatTally()
    for number in range(3):
        one = ChatTally()
        one.forbidden_said = 2
        for marker in comments((1, 1), (2 + number, 1), forbidden=True):
            one.forbidden(marker, "刷单", "刷 单 ")
            one.forbidden(marker, "刷单", "刷 单 ")
        merged.merge(json.loads(json.dumps(one.as_dict())))
    assert (merged.forbidden_said, merged.forbidden_delivered) == (6, 4)
    examples = {example["comment"]: example for example in merged.summary()["forbidden_examples"]}
    assert len(examples) == 4
    assert examples[mark(1, 1, NOW, True)] == {
        "comment": mark(1, 1, NOW, True),
        "phrase": "刷单",
        "text": "刷 单 ",
        "sent": NOW,
    }


def test_violations_without_end_are_kept_to_a_few():
    tally = seen(*(((1, 9), (1, 1)) for _ in range(50)))
    for number in range(MOST + 50):
        (marker,) = comments((1, number), forbidden=True)
        tally.forbidden(marker, "刷单", "x" * 500)
    found = tally.summary()
    assert (found["forbidden_delivered"], found["out_of_order"]) == (MOST, 50)
    assert len(found["forbidden_examples"]) == len(found["order_examples"]) == EXAMPLES
    assert len(found["forbidden_examples"][0]["text"]) == 200
