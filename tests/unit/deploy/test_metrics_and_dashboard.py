"""The page that documents the metrics, and the dashboard that shows them, know the same ones as the edge."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from scripts import grafana_dashboard, metrics_page
from scripts.grafana_dashboard import DASHBOARD
from tests.unit.deploy.metric_names import documented_metrics
from winnow.pipeline.delivery import DeliveryMetrics
from winnow.pipeline.edge_metrics import CAMERA_METRICS, CameraCollector

FILE: Final[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
PANELS: Final[list[dict[str, Any]]] = [panel for panel in FILE["panels"] if panel["type"] != "row"]
QUERIES: Final[list[str]] = [target["expr"] for panel in PANELS for target in panel["targets"]]
METRIC: Final = re.compile(r"\b(?:winnow|process)_[a-z0-9_]+")


def test_every_metric_of_cameras_and_delivery_is_documented() -> None:
    """A new one needs a row in docs/metrics.md; the test of a real run compares all of them, both ways."""
    registry = CollectorRegistry()
    DeliveryMetrics(registry)
    registry.register(CameraCollector(list))
    served = re.findall(r"^# TYPE (winnow_\S+) ", generate_latest(registry).decode(), re.MULTILINE)
    assert set(served) - {name for name in served if name.endswith("_created")} <= documented_metrics()


def test_dashboard_and_page_are_the_generated_ones() -> None:
    """After a change of metrics: python -m scripts.grafana_dashboard && python -m scripts.metrics_page."""
    assert DASHBOARD.read_text(encoding="utf-8") == grafana_dashboard.text()
    page = metrics_page.PAGE.read_text(encoding="utf-8")
    assert page == metrics_page.text(page)
    assert "winnow_frames_decoded_total" in metrics_page.text(page.replace("winnow_frames_decoded_total", "x"))


def test_every_expression_asks_for_metrics_that_exist() -> None:
    """No panel stays empty because of a misspelt name."""
    asked = {name for query in QUERIES for name in METRIC.findall(query)}
    assert asked <= documented_metrics()


def test_every_metric_of_ours_is_shown() -> None:
    """Nothing is counted that nobody would see."""
    shown = {name for query in QUERIES for name in METRIC.findall(query)}
    assert {name for name in documented_metrics() if name.startswith("winnow_")} <= shown


def test_expressions_of_cameras_follow_the_variable() -> None:
    """Choosing a camera changes every panel that has one; braces and brackets are closed."""
    names = {metric.name for metric in CAMERA_METRICS}
    for query in QUERIES:
        assert 'instance=~"$instance"' in query
        is_of_camera = any(name.removesuffix("_total") in names for name in METRIC.findall(query))
        assert ('camera=~"$camera"' in query) == is_of_camera, query
        assert all(query.count(left) == query.count(right) for left, right in ("()", "{}", "[]"))


@pytest.mark.parametrize(("first", "second"), [("datasource", "instance"), ("instance", "camera")])
def test_variables_come_in_the_order_in_which_they_need_each_other(first: str, second: str) -> None:
    """The cameras are those of the boxes that were chosen."""
    names = [variable["name"] for variable in FILE["templating"]["list"]]
    assert names.index(first) < names.index(second)


def test_panels_have_their_own_number_and_place() -> None:
    """Grafana takes the file as it is: ids are unique, nothing overlaps or leaves the grid."""
    numbers = [panel["id"] for panel in FILE["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in FILE["panels"]]
    assert all(one["x"] >= 0 and one["x"] + one["w"] <= 24 for one in places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below
    assert isinstance(FILE["schemaVersion"], int)
    assert all({"expr", "refId"} <= set(target) for panel in PANELS for target in panel["targets"])
    assert Path(DASHBOARD).suffix == ".json"
