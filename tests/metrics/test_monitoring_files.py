"""Alerts and dashboard use metrics that there are, each metric is documented, and each alert has its section."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from ruamel.yaml import YAML
from tests.support.builders import make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.metrics.exposition import text_page
from rugcourse.reports.installation_metrics import installation_gauges

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
ALERTS: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / "deploy/monitoring/alerts.yml")["groups"][0]["rules"]
PANELS: list[dict[str, Any]] = json.loads((ROOT / "deploy/monitoring/grafana-dashboard.json").read_text())["panels"]
QUERIES = [*(one["expr"] for one in ALERTS), *(target["expr"] for one in PANELS for target in one["targets"])]


@pytest.fixture
def given(runtime: Runtime) -> dict[str, str]:
    """Metric → type, of a page of an installation with a reader."""
    make_reader(runtime)
    page = text_page(runtime.database.query(installation_gauges, runtime.clock)).decode()
    return dict(re.findall(r"^# TYPE (rugcourse_\w+) (\w+)$", page, re.MULTILINE))


def names_in(query: str) -> Iterator[str]:
    promql_parser.parse(query)  # raises for one that Prometheus would not read
    yield from re.findall(r"\brugcourse_\w+", query)


def test_every_metric_is_documented_with_its_type(given: dict[str, str]) -> None:
    documented = dict(re.findall(r"^\| `(rugcourse_\w+)` \| (\w+) \|", DOCS, re.MULTILINE))
    created = {name for name in given if name.endswith("_created")}  # when a counter began, which the library adds
    assert documented == {name: kind for name, kind in given.items() if name not in created}


@pytest.mark.parametrize("query", QUERIES)
def test_alerts_and_dashboard_ask_for_metrics_that_there_are(query: str, given: dict[str, str]) -> None:
    series = {
        f"{name}{end}"
        for name, kind in given.items()
        for end in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }
    assert set(names_in(query)) <= series


@pytest.mark.parametrize("alert", ALERTS, ids=lambda one: one["alert"])
def test_every_alert_has_its_section(alert: dict[str, Any]) -> None:
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert (page, anchor) == ("docs/monitoring.md", alert["alert"].lower())
    assert f"\n### {alert['alert']}\n" in DOCS


def test_no_query_is_refused_by_accident() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("sum(rugcourse_holds")
