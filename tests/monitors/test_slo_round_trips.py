"""What is written reads back as what was given, whichever dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from monitors import slo_files
from monitors.dialects import openslo_writer, sloth_writer
from monitors.slo import Composite, Slo

# Without shrinking: YAML is slow, and shrinking would read it thousands of times.
EASY = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Texts of a YAML file: no surrogates, and none of the control characters that YAML has no way to write.
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=30)
names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
words = st.from_regex(r"[A-Za-z]([A-Za-z0-9_]{0,6}[A-Za-z0-9])?", fullmatch=True)
maps = st.dictionaries(words, texts, max_size=2)
selectors = st.builds(
    lambda name, label, value: f'{name}{{{label}="{value}"}}',
    words.map("m_{}".format),
    words,
    st.text("a b#'", max_size=5),
)
rates = st.builds(
    lambda selector, end: f"sum(\n  rate({selector}[{{{{.window}}}}])\n){end}",
    selectors,
    st.sampled_from(["", "\n", " # a\n"]),
)
raws = rates.map(lambda query: f"1 - {query}")
slis = st.one_of(
    st.builds(lambda bad, total: {"events": {"error_query": bad, "total_query": total}}, rates, rates),
    raws.map(lambda query: {"raw": {"error_ratio_query": query}}),
)
alerts = st.one_of(st.just({"disable": True}), st.fixed_dictionaries({"labels": maps, "annotations": maps}))
objectives = st.decimals("0.0001", "99.9999", places=4).map(float)


@st.composite
def alertings(draw: st.DrawFn) -> dict[str, Any]:
    page, ticket = draw(alerts), draw(alerts)
    if page == ticket == {"disable": True}:
        return {"page_alert": page, "ticket_alert": ticket}
    name = draw(texts.filter(bool))
    return {"name": name, "labels": draw(maps), "annotations": draw(maps), "page_alert": page, "ticket_alert": ticket}


rehearsals = st.fixed_dictionaries(
    {"min_events": st.integers(1, 10**6), "confidence": st.floats(0, 1, exclude_max=True)}
)
common = {
    "service": st.sampled_from(["shop", "live"]),
    "objective": objectives,
    "description": texts,
    "labels": maps,
    "sli": slis,
    "alerting": alertings(),
    "rehearsal": rehearsals,
}
intervals = st.none() | st.dictionaries(st.sampled_from(["all", "slierror", "metadata", "alert"]), st.just("2m"))
chains = st.none() | st.fixed_dictionaries(
    {},
    optional={"overridePrevious": st.booleans(), "chain": st.just([{"id": "a/b", "priority": -1, "config": {"x": 1}}])},
)
own = {"interval": intervals, "plugins": chains, "slo_plugins": chains}


def several(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Slo]]:
    one = st.tuples(st.fixed_dictionaries(fields))
    return st.lists(st.tuples(names, one), min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda rows: [Slo.model_validate({"name": name, **row[0]}) for name, row in rows]
    )


def read(tmp_path: Path, text: str) -> slo_files.SloFiles:
    file = tmp_path / "written.yaml"
    file.write_text(text, encoding="utf-8")
    return slo_files.read([file])


def by_id(slos: Any) -> dict[str, Slo]:
    return {slo.id: slo for slo in slos}


@EASY
@given(several({**common, **own}))
def test_sloth_reads_what_was_written(tmp_path: Path, slos: list[Slo]) -> None:
    once = sloth_writer.text(slos)
    found = read(tmp_path, once)
    assert by_id(found.slos) == by_id(slos)
    assert sloth_writer.text(found.slos) == once


@EASY
@given(several(common))
def test_openslo_reads_what_was_written(tmp_path: Path, slos: list[Slo]) -> None:
    found = read(tmp_path, openslo_writer.text(slos))
    assert by_id(found.slos) == by_id(slos)
    assert not found.lost


def test_a_composite_goes_through_sloth(tmp_path: Path) -> None:
    slos = slo_files.load(["storefront"]).slos
    parts = [{"slo": slos[0].id, "weight": 2.5}, {"slo": slos[1].id}]
    fields = {"service": "storefront", "name": "buying", "objective": 99}
    composites = [
        Composite.model_validate({**fields, "of": parts}),
        Composite.model_validate({**fields, "name": "everything", "all": [slo.id for slo in slos]}),
    ]
    found = read(tmp_path, sloth_writer.text(slos, composites))
    assert (found.slos, found.composites) == (slos, tuple(composites))


@pytest.mark.parametrize("name", ["behaviour", "storefront", "stream"])
def test_the_built_in_slos_go_through_both(tmp_path: Path, name: str) -> None:
    slos = slo_files.load([name]).slos
    assert read(tmp_path, sloth_writer.text(slos)).slos == slos
    assert read(tmp_path, openslo_writer.text(slos)).slos == slos
