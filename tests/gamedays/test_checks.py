from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError, GuardError, InputError
from gamedays.planning.checks import Prepared, prepare

PLAN = """\
apiVersion: flashcrowd/v1
kind: GameDay
metadata: {name: friday}
spec:
  target: embedded
  slos: [storefront]
  load: {scenario: live-commerce, viewers: 2000, over: 10s, hold: 50s}
  sale: {opens_at: [20s], sku: lipstick-01, stock: 50}
  steps:
    - at: 10s
      fault: {kind: network.latency, on: inventory, delay: 800ms, for: 40s}
      expect: {slo: order-latency, detected_within: 10s, runbook: order-latency, recovered_within: 30s}
  abort: ['up == 0']
"""
TARGET = """\
apiVersion: flashcrowd/v1
kind: Target
metadata: {name: staging}
spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 300000
  live:
    url: ws://127.0.0.1:7001/rooms/${room}
    say: '{"text":"${text}"}'
    events: {sale.opened: {type: sale_opened}}
  shop:
    url: http://127.0.0.1:7002
    order: {request: {path: /orders}}
    ledger: {get: /admin/ledger}
    sales: /admin/sales
  prometheus: {url: http://127.0.0.1:9090}
  components:
    inventory: {link: {toxiproxy: http://127.0.0.1:8474, proxy: inventory}}
    cache: {admin: http://127.0.0.1:7005}
"""
WITH_TARGET = PLAN.replace("target: embedded", "target: staging.yaml")
RAW_SLO = """\
version: prometheus/v1
service: storefront
slos:
  - name: picture
    objective: 99
    sli: {raw: {error_ratio_query: "avg(avg_over_time(stalled[{{.window}}]))"}}
    alerting: {name: PictureBurn}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes a plan and what stands beside it; the path of the plan."""

    def files(plan: str, **beside: str) -> str:
        (tmp_path / "plan.yaml").write_text(plan)
        for name, text in beside.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        return str(tmp_path / "plan.yaml")

    return files


def problems(name: str, **options: str) -> list[str]:
    """What is wrong with a plan, without its folder."""
    with pytest.raises(DocumentError) as refused:
        prepare(name, **options)
    return [f"{problem.file.name}{str(problem).removeprefix(str(problem.file))}" for problem in refused.value.problems]


def test_a_good_plan_is_prepared(write):
    prepared = prepare(write(PLAN))
    assert isinstance(prepared, Prepared)
    assert [slo.name for slo in prepared.slos] == ["order-availability", "order-latency", "chat-delivery"]
    assert (prepared.target, prepared.control, prepared.scenario) == (None, None, "live-commerce")


def test_a_good_plan_with_a_target_file_is_prepared(write):
    prepared = prepare(write(WITH_TARGET, staging_yaml=TARGET), control="no-runbook")
    assert prepared.target is not None
    assert (prepared.target.name, prepared.control) == ("staging", "no-runbook")


def test_the_built_in_plan_is_good():
    assert prepare("flash-sale-rehearsal").plan.name == "flash-sale-rehearsal"


WRONG = {
    "scenario": (
        ("live-commerce", "live-comerce"),
        "plan.yaml:7: spec.load.scenario: no scenario 'live-comerce'; did you mean 'live-commerce'?",
    ),
    "too many viewers": (
        ("viewers: 2000", "viewers: 300001"),
        "plan.yaml:7: spec.load.viewers: 300001 is more than the target's max_viewers (300000)",
    ),
    "no viewers": (
        ("viewers: 2000", "viewers: 0"),
        "plan.yaml:7: spec.load.viewers: input should be greater than or equal to 1, got 0",
    ),
    "shape": (
        ("over: 10s", "shape: spiky, over: 10s"),
        "plan.yaml:7: spec.load.shape: 'spiky' is not one of 'ramp', 'steps', 'spike', 'doorbuster', 'soak' or 'trace'",
    ),
    "no arrival": (("over: 10s, hold", "hold"), "plan.yaml:7: spec.load.over: is missing"),
    "another shape's parameter": (
        ("over: 10s", "steps: 5, over: 10s"),
        "plan.yaml:7: spec.load.steps: is for shape: steps; the shape is ramp",
    ),
    "more steps than viewers": (
        ("over: 10s", "shape: steps, steps: 5000, over: 10s"),
        "plan.yaml:7: spec.load.steps: 5000 steps for 2000 viewers",
    ),
    "more rooms than viewers": (
        ("over: 10s", "rooms: 5000, over: 10s"),
        "plan.yaml:7: spec.load.rooms: 5000 rooms for 2000 viewers",
    ),
    "a room twice": (
        ("over: 10s", "rooms: [main, main], over: 10s"),
        "plan.yaml:7: spec.load.rooms: a room is named twice",
    ),
    "spike": (
        ("over: 10s, hold: 50s", "shape: spike, over: 30s, hold: 50s"),
        "plan.yaml:7: spec.load: a spike's rise may take a third of the time at most",
    ),
    "trace without a file": (
        ("over: 10s, hold: 50s", "shape: trace"),
        "plan.yaml:7: spec.load: shape: trace and trace: FILE go together",
    ),
    "trace that is not there": (
        ("over: 10s, hold: 50s", "shape: trace, trace: nope.csv"),
        "nope.csv: can't be read",
    ),
    "unit": (
        ("for: 40s", "for: 40"),
        "plan.yaml:11: spec.steps[0].fault.for: '40' has no unit; write 40s, 5m or 1h",
    ),
    "missing": (("stock: 50", "room: main"), "plan.yaml:8: spec.sale.stock: is missing"),
    "unknown field": (
        ("stock: 50", "stock: 50, rooms: 2"),
        "plan.yaml:8: spec.sale.rooms: unknown field; did you mean 'room'?",
    ),
    "slo file": (
        ("[storefront]", "[storefrnt]"),
        "plan.yaml:6: spec.slos[0]: no slos 'storefrnt' built in, and no such path; did you mean 'storefront'?",
    ),
    "slo twice": (
        ("[storefront]", "[storefront, storefront]"),
        "plan.yaml:6: spec.slos[1]: the plan has order-availability, order-latency, chat-delivery "
        "already; a game day tells SLOs apart by their names",
    ),
    "sale after the end": (
        ("[20s]", "[20s, 60s]"),
        "plan.yaml:8: spec.sale.opens_at[1]: 60s is not before the end of the load",
    ),
    "fault kind": (
        ("network.latency", "network.latncy"),
        "plan.yaml:11: spec.steps[0].fault.kind: no fault kind 'network.latncy'; did you mean 'network.latency'?",
    ),
    "component": (
        ("on: inventory", "on: inventroy"),
        "plan.yaml:11: spec.steps[0].fault.on: no component 'inventroy'; did you mean 'inventory'?",
    ),
    "component that it can't work on": (
        ("on: inventory", "on: stream"),
        "plan.yaml:11: spec.steps[0].fault.on: stream has no link; give it one (toxiproxy, proxy) in the target file",
    ),
    "fault after the end": (
        ("at: 10s", "at: 30s"),
        "plan.yaml:11: spec.steps[0].fault.for: the fault would outlast the load; nobody would see it heal",
    ),
    "expected slo": (
        ("slo: order-latency", "slo: order-latancy"),
        "plan.yaml:12: spec.steps[0].expect.slo: no SLO 'order-latancy' in this plan; did you mean 'order-latency'?",
    ),
    "expected runbook": (
        ("runbook: order-latency", "runbook: order-latancy"),
        "plan.yaml:12: spec.steps[0].expect.runbook: no runbook 'order-latancy'; did you mean 'order-latency'?",
    ),
    "detection after the fault": (
        ("detected_within: 10s", "detected_within: 41s"),
        "plan.yaml:12: spec.steps[0].expect.detected_within: is longer than the fault: it would heal by itself first",
    ),
    "recovery after the fault": (
        ("recovered_within: 30s", "recovered_within: 41s"),
        "plan.yaml:12: spec.steps[0].expect.recovered_within: is longer than the fault: it would heal by itself first",
    ),
    "an expectation of nothing": (
        (", detected_within: 10s, runbook: order-latency, recovered_within: 30s", ""),
        "plan.yaml:12: spec.steps[0].expect: expects nothing of order-latency; "
        "give detected_within, runbook, mitigated_within",
    ),
    "mitigation before detection": (
        ("runbook: order-latency,", "mitigated_within: 9s,"),
        "plan.yaml:12: spec.steps[0].expect.mitigated_within: is shorter than detected_within, which comes first",
    ),
    "other slo": (
        ("runbook: order-latency,", "others: [chat-delivry],"),
        "plan.yaml:12: spec.steps[0].expect.others[0]: no SLO 'chat-delivry' in this plan; did you mean",
    ),
    "no other slo left": (
        ("runbook: order-latency,", "others: [chat-delivery, order-availability],"),
        "plan.yaml:12: spec.steps[0].expect.others: the plan judges no other SLO that could stay untouched",
    ),
    "others": (
        ("runbook: order-latency,", "others: untuched,"),
        "plan.yaml:12: spec.steps[0].expect.others: wants untouched, or a list of names",
    ),
    "budget": (
        ("runbook: order-latency,", "budget_spent_at_most: 5,"),
        "plan.yaml:12: spec.steps[0].expect.budget_spent_at_most: '5' is not a ratio: it must lie between 0 and 1",
    ),
    "invariant": (
        ("runbook: order-latency,", "invariants: [oversell],"),
        "plan.yaml:12: spec.steps[0].expect.invariants[0]: no invariant 'oversell'; did you mean 'oversold'?",
    ),
    "invariant of a draw": (
        ("runbook: order-latency,", "invariants: [draw-once],"),
        "plan.yaml:12: spec.steps[0].expect.invariants[0]: the plan has no draw, which draw-once is about",
    ),
    "drift": (
        ("abort: ", "drift: [{name: memory, query: 'sum(', at_most: 10 %}]\n  abort: "),
        "plan.yaml:13: spec.drift[0].query: ",
    ),
    "abort condition": (("up == 0", "up =="), "plan.yaml:13: spec.abort[0]: "),
    "kind": (("kind: GameDay", "kind: Target"), "plan.yaml:2: kind: wants kind: GameDay, got 'Target'"),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_each_mistake_is_told_alone_with_its_line(write, change, message):
    (found,) = problems(write(PLAN.replace(*change)))
    assert found.startswith(message)


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(write):
    plan = PLAN
    for name in ("scenario", "slo file", "sale after the end", "unit", "expected runbook", "abort condition"):
        plan = plan.replace(*WRONG[name][0])
    found = problems(write(plan))
    assert [int(line.split(":")[1]) for line in found] == [6, 7, 8, 11, 12, 13]


def test_a_wrong_slo_list_hides_nothing_of_the_expectations(write):
    plan = PLAN.replace("[storefront]", "[storefrnt]").replace("runbook: order-latency", "runbook: x")
    assert [line.split(": ")[1] for line in problems(write(plan))] == ["spec.slos[0]", "spec.steps[0].expect.runbook"]


def test_an_slo_without_events_can_not_be_counted(write):
    (found,) = problems(write(PLAN.replace("[storefront]", "[storefront, raw.yaml]"), raw_yaml=RAW_SLO))
    assert found == ("plan.yaml:6: spec.slos[1]: picture is a ratio, in which a game day can't count; give sli.events")


LACKING = {
    "sales": (
        ("    sales: /admin/sales\n", ""),
        "plan.yaml:8: spec.sale: the target can't schedule a sale: it has no spec.shop.sales",
    ),
    "ledger": (
        ("    ledger: {get: /admin/ledger}\n", ""),
        "plan.yaml:5: spec.target: the target has no spec.shop.ledger, and no order can be checked",
    ),
    "prometheus": (
        ("  prometheus: {url: http://127.0.0.1:9090}\n", ""),
        "plan.yaml:5: spec.target: the target has no spec.prometheus, which has to judge it",
    ),
    "component": (
        ("    inventory:", "    stock:"),
        "plan.yaml:11: spec.steps[0].fault.on: no component 'inventory'; known: cache, stock",
    ),
    "room for the crowd": (
        ("300000", "1999"),
        "plan.yaml:7: spec.load.viewers: 2000 is more than the target's max_viewers (1999)",
    ),
}


@pytest.mark.parametrize(("change", "message"), LACKING.values(), ids=LACKING)
def test_what_the_target_lacks_is_told_at_the_plan(write, change, message):
    assert problems(write(WITH_TARGET, staging_yaml=TARGET.replace(*change))) == [message]


def test_the_faults_of_the_target_file_are_told_with_those_of_the_plan(write):
    target = TARGET.replace("max_viewers: 300000", "max_viewers: lots").replace("sales: ", "salse: ")
    found = problems(write(WITH_TARGET.replace("for: 40s", "for: 40"), staging_yaml=target))
    assert [line.split(": ")[:2] for line in found] == [
        ["plan.yaml:11", "spec.steps[0].fault.for"],
        ["staging.yaml:7", "spec.max_viewers"],
        ["staging.yaml:16", "spec.shop.salse"],
    ]


def test_nothing_is_guessed_of_a_target_that_can_not_be_read(write):
    plan = WITH_TARGET.replace("viewers: 2000", "viewers: 250000").replace("on: inventory", "on: warehouse")
    assert problems(write(plan)) == ["staging.yaml: can't be read: no such file or directory"]


def test_production_wants_its_name_typed_again(write):
    plan = write(WITH_TARGET, staging_yaml=TARGET.replace("environment: staging", "environment: production"))
    with pytest.raises(GuardError, match="add --allow-production staging"):
        prepare(plan)
    assert prepare(plan, allow_production="staging").target is not None


def test_a_scenario_may_be_a_file_beside_the_plan(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    prepared = prepare(write(PLAN.replace("scenario: live-commerce", "scenario: busy.py"), busy_py=""))
    assert prepared.scenario == str(tmp_path / "busy.py")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "flash-sale-rehersal",
            "no plan 'flash-sale-rehersal' built in, nor such a file; did you mean 'flash-sale-reh",
        ),
        ("x", "no plan 'x' built in, nor such a file; known: all-triads, ci, doorbuster, "),
        ("nowhere.yaml", "nowhere.yaml: can't be read: no such file or directory"),
    ],
)
def test_a_plan_that_is_not_there_is_told_with_what_is_near(name, message):
    with pytest.raises(InputError) as refused:
        prepare(name)
    assert str(refused.value).startswith(message)


def test_an_unknown_control_is_told_with_what_is_near():
    with pytest.raises(InputError, match="no control 'nofault'; did you mean 'no-fault'"):
        prepare("flash-sale-rehearsal", control="nofault")


TRACE = PLAN.replace("over: 10s, hold: 50s", "shape: trace, trace: friday.csv, rooms: [main, attic]")


def test_a_plan_follows_a_trace_as_long_as_that_is(write):
    prepared = prepare(write(TRACE, friday_csv="seconds,viewers\n0,1\n30,10\n60,5\n"))
    assert prepared.points == ((0.0, 1.0), (30.0, 10.0), (60.0, 5.0))
    assert prepared.plan.duration == 60.0
    assert prepared.plan.spec.load.room_names == ("main", "attic")
    assert prepared.plan.spec.load.describe() == "2,000 viewers as in friday.csv, 2 rooms"


def test_the_faults_of_a_trace_are_told_with_those_of_its_plan(write):
    found = problems(write(TRACE.replace("[20s]", "[20]"), friday_csv="seconds,viewers\n0,1\n30,ten\n20,\n"))
    assert [text.partition(": ")[0] for text in found] == ["friday.csv:3", "friday.csv:4", "plan.yaml:8"]


def test_a_fault_that_outlasts_its_trace_is_told(write):
    (found,) = problems(write(TRACE, friday_csv="seconds,viewers\n0,1\n45,10\n"))
    assert "the fault would outlast the load" in found


def test_what_a_scenario_needs_and_the_target_lacks_is_told(write):
    plan = WITH_TARGET.replace("live-commerce", "draw")
    (found,) = problems(write(plan, staging_yaml=TARGET))
    assert found == (
        "plan.yaml:7: spec.load.scenario: draw needs spec.draw, spec.live.events.draw.opened, "
        "which the target doesn't have"
    )


def test_a_scenario_of_ones_own_says_what_it_needs_too(write):
    plan = WITH_TARGET.replace("live-commerce", "busy.py")
    (found,) = problems(write(plan, staging_yaml=TARGET, busy_py='NEEDS = ["live", "stream"]'))
    assert "busy.py needs spec.stream" in found
    for text in ("NEEDS = 3", "NEEDS = some()", "no python", "HAS = ['stream']"):
        assert prepare(write(plan, staging_yaml=TARGET, busy_py=text)).plan


def test_objectives_that_so_few_viewers_can_not_decide_are_told_at_once(write):
    strict = """version: prometheus/v1
service: chat
slos:
  - name: chat
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(flashcrowd_chat_deliveries_total{outcome="late"}[{{.window}}]))
        total_query: sum(rate(flashcrowd_chat_deliveries_total[{{.window}}]))
    alerting: {name: ChatBurn}
"""
    plan = PLAN.replace("viewers: 2000", "viewers: 12").replace("[storefront]", "[storefront, strict.yaml]")
    found = problems(write(plan, strict_yaml=strict))
    told = {text.split(": ")[2]: text for text in found}
    assert set(told) == {"order-availability", "order-latency", "chat-delivery", "chat"}
    assert told["order-availability"] == (
        "plan.yaml:6: spec.slos[0]: order-availability: 12 viewers can't decide a 99.5 % objective in the 15 s without "
        "a fault; they make 18 events at most, and 765 without a bad one are needed: more viewers, or a longer hold"
    )
    assert "can't decide a 99.9 % objective" in told["chat"]
    assert "spec.slos[1]" in told["chat"]


@pytest.mark.parametrize(
    "scenario",
    [
        "from other import Base\nclass Viewer(Base):\n    wait_time = between(20, 60)\n",
        "class Viewer(CrowdUser):\n    wait_time = between(some(), 60)\n",
        "class Viewer(CrowdUser):\n    wait_time = between(20, 60)\n"
        "    @task\n    def t(self):\n        for _ in range(9):\n            self.shop.order(1)\n",
        "class Viewer(CrowdUser):\n    wait_time = between(20, 60)\n"
        "    def on_start(self):\n        self.room.on('chat', self.buy)\n"
        "    @task\n    def buy(self):\n        self.shop.order(1)\n",
    ],
)
def test_nothing_is_reckoned_with_that_the_scenario_does_not_say_for_certain(write, scenario):
    plan = PLAN.replace("viewers: 2000", "viewers: 12").replace("live-commerce", "own.py")
    assert prepare(write(plan, own_py=scenario)).plan.spec.load.viewers == 12


def test_what_others_order_on_a_platform_of_ones_own_is_not_known(write):
    plan = WITH_TARGET.replace("viewers: 2000", "viewers: 12")
    found = problems(write(plan, staging_yaml=TARGET))
    assert [text.split(": ")[2] for text in found] == ["chat-delivery"]
