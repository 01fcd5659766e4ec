"""The pages that document the metrics, and the dashboards that show them, know the same ones as the processes."""

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from scripts import metrics_page
from scripts.grafana_dashboard import dashboards
from scripts.grafana_panels import FOLDER, file_of, text_of
from tests.unit.deploy.metric_names import documented_metrics
from winnow.cloud_sink.metrics import SinkMetrics
from winnow.gateway.metrics import GatewayMetrics
from winnow.pipeline.delivery import DeliveryMetrics
from winnow.pipeline.edge_metrics import CAMERA_METRICS, CameraCollector
from winnow.runtime.certificates import CertificateCollector, Certificates

DOCS: Final = Path(__file__).parents[3] / "docs"
FILES: Final[dict[str, dict[str, Any]]] = {
    path.stem.removeprefix("winnow-"): json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")
}
METRIC: Final = re.compile(r"\b(?:winnow|process)_[a-z0-9_]+")
OF_A_HISTOGRAM: Final = re.compile(r"_(?:bucket|sum|count)$")
CLOUD: Final[dict[str, tuple[Callable[[], GatewayMetrics | SinkMetrics], str]]] = {
    "gateway": (GatewayMetrics, "gateway.md"),
    "sink": (SinkMetrics, "cloud-sink.md"),
}


def panels_of(name: str) -> list[dict[str, Any]]:
    """Return a dashboard's panels."""
    return [panel for panel in FILES[name]["panels"] if panel["type"] != "row"]


def queries_of(name: str) -> list[str]:
    """Return everything that a dashboard asks for."""
    return [target["expr"] for panel in panels_of(name) for target in panel["targets"]]


def asked_by(name: str) -> set[str]:
    """Return the metrics that a dashboard asks for."""
    return {metric for query in queries_of(name) for metric in METRIC.findall(query)}


def served_by(registry: CollectorRegistry) -> set[str]:
    """Return the metrics that a process serves."""
    served = re.findall(r"^# TYPE (\S+) ", generate_latest(registry).decode(), re.MULTILINE)
    return {name for name in served if not name.endswith("_created")}


def test_every_metric_of_cameras_and_delivery_is_documented() -> None:
    """A new one needs a row in docs/metrics.md; the test of a real run compares all of them, both ways."""
    registry = CollectorRegistry()
    DeliveryMetrics(registry)
    registry.register(CameraCollector(list))
    assert served_by(registry) <= documented_metrics()


def test_dashboards_and_page_are_the_generated_ones() -> None:
    """After a change of metrics: python -m scripts.grafana_dashboard && python -m scripts.metrics_page."""
    assert set(FILES) == {"edge", "gateway", "sink"}
    for dashboard in dashboards():
        assert file_of(dashboard).read_text(encoding="utf-8") == text_of(dashboard)
    page = metrics_page.PAGE.read_text(encoding="utf-8")
    assert page == metrics_page.text(page)
    assert "winnow_frames_decoded_total" in metrics_page.text(page.replace("winnow_frames_decoded_total", "x"))


def test_every_expression_of_the_edge_asks_for_metrics_that_exist() -> None:
    """No panel stays empty because of a misspelt name, and nothing is counted that nobody would see."""
    assert asked_by("edge") <= documented_metrics()
    assert {name for name in documented_metrics() if name.startswith("winnow_")} <= asked_by("edge")


@pytest.mark.parametrize("name", CLOUD)
def test_gateway_and_sink_serve_show_and_document_the_same(name: str) -> None:
    """Every metric of the dashboard is served; every metric of ours is shown, and stands in the docs."""
    make, page = CLOUD[name]
    registry = make().registry
    registry.register(CertificateCollector(Certificates({})))
    served, asked = served_by(registry), {OF_A_HISTOGRAM.sub("", metric) for metric in asked_by(name)}
    assert asked <= served
    ours = {metric for metric in served if metric.startswith("winnow_")}
    assert ours <= asked
    documented = set(METRIC.findall((DOCS / page).read_text(encoding="utf-8")))
    assert ours <= documented
    assert {metric for metric in documented if metric.startswith(f"winnow_{name}_")} - {f"winnow_{name}_"} <= served


def test_expressions_of_cameras_follow_the_variable() -> None:
    """Choosing a camera changes every panel that has one."""
    names = {metric.name for metric in CAMERA_METRICS}
    for query in queries_of("edge"):
        is_of_camera = any(name.removesuffix("_total") in names for name in METRIC.findall(query))
        assert ('camera=~"$camera"' in query) == is_of_camera, query


@pytest.mark.parametrize("name", FILES)
def test_expressions_follow_the_process_and_are_closed(name: str) -> None:
    """Choosing a box, gateway or sink changes every panel; braces and brackets are closed."""
    for query in queries_of(name):
        assert 'instance=~"$instance"' in query
        assert all(query.count(left) == query.count(right) for left, right in ("()", "{}", "[]"))


@pytest.mark.parametrize(("first", "second"), [("datasource", "instance"), ("instance", "camera")])
def test_variables_come_in_the_order_in_which_they_need_each_other(first: str, second: str) -> None:
    """The cameras are those of the boxes that were chosen."""
    names = [variable["name"] for variable in FILES["edge"]["templating"]["list"]]
    assert names.index(first) < names.index(second)


@pytest.mark.parametrize("name", FILES)
def test_panels_have_their_own_number_and_place(name: str) -> None:
    """Grafana takes the file as it is: ids are unique, nothing overlaps or leaves the grid."""
    numbers = [panel["id"] for panel in FILES[name]["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in FILES[name]["panels"]]
    assert all(one["x"] >= 0 and one["x"] + one["w"] <= 24 for one in places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below
    assert isinstance(FILES[name]["schemaVersion"], int)
    assert all({"expr", "refId"} <= set(target) for panel in panels_of(name) for target in panel["targets"])
