"""Queries of runbooks, held against a real Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flashcrowd.process import free_port
from gamedays.verbs import runbook_lint
from gamedays.verbs.runbook_lint import Asked

HEAD = "---\nowner: shop\nseverity: page\nalerts: [OrderBurn]\n---\n# Orders fail\n\n## Diagnosis\n\n"
FAULTY = {
    "no-metric": "rate(ordres_total[5s])",
    "no-label": 'rate(orders_total{outcom="error"}[5s])',
    "no-value": 'rate(orders_total{outcome="lost"}[5s])',
    "no-bucket": 'rate(checkout_seconds_bucket{le="0.4"}[5s])',
    "short": "rate(orders_total[1ms])",
    "new": 'label_replace(orders_total, "1bad", "x", "outcome", ".*")',
}
FINE = {
    "there": "sum(orders_total)",
    "absent": "absent(orders_total)",
    "filter": "carts > 1000000",
    "unless": "carts unless carts",
    "variable": 'up{instance="${shop.host}"}',
}


def written(folder: Path, queries: dict[str, str]) -> str:
    file = folder / "orders.md"
    steps = [f'```promql {{"step": "{name}", "expect": "> 0"}}\n{query}\n```\n' for name, query in queries.items()]
    file.write_text(HEAD + "\n".join(steps))
    return str(file)


async def test_what_a_real_server_does_not_have_is_named(tmp_path: Path, bench: Any) -> None:
    path = written(tmp_path, {**FAULTY, **FINE})
    report = await runbook_lint.lint(Asked([path], prometheus=bench.url))
    queries = [one for one in report.findings if one.rule.startswith("query-")]
    found = {one.problem.path: f"{one.rule}: {one.problem.message}" for one in queries}
    assert found.keys() == FAULTY.keys()
    for name, words in {
        "no-metric": "query-nothing: no series is called ordres_total; did you mean 'orders_total'?",
        "no-label": "query-nothing: no series of orders_total has the label outcom; did you mean 'outcome'?",
        "no-value": 'query-nothing: no series of orders_total has outcome="lost" so far; there are: error, ok',
        "no-bucket": 'query-nothing: checkout_seconds_bucket has no bucket le="0.4"',
        "short": "query-nothing: gives nothing now, though there have been such series; is a range shorter",
        "new": "query-refused: prometheus refuses the query",
    }.items():
        assert found[name].startswith(words), found[name]


async def test_a_server_that_does_not_answer_hides_nothing_else(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    report = await runbook_lint.lint(Asked([written(tmp_path, FINE)], prometheus=url))
    assert (report.exit_code(strict=False), url in report.broken) == (4, True)
    assert "format" in {one.rule for one in report.findings}
    assert report.broken in report.notes
