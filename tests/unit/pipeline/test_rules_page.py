"""The examples of docs/rules.md are right settings."""

import re
from pathlib import Path

import pytest

from winnow.pipeline.settings import EdgeSettings, check_labels
from winnow.pipeline.settings.camera import CameraSettings
from winnow.runtime.settings import load_settings

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
LABELS = ("person", "car", "truck")


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_right(example: str, tmp_path: Path) -> None:
    """What the page shows can be copied into a settings file."""
    path = tmp_path / "edge.yaml"
    path.write_text(example, encoding="utf-8")
    settings = load_settings(path, EdgeSettings)
    check_labels(path, settings.model_copy(update={"cameras": _without_labels(settings)}), LABELS)


def test_every_setting_of_a_rule_has_an_example() -> None:
    """No key is left for the reader to guess, but the anchor, which is told in words."""
    schema = EdgeSettings.model_json_schema()["$defs"]
    kinds = ("ZoneSettings", "LineSettings", "SequenceSettings", "FilterSettings", "ScheduleSettings", "WatchHours")
    keys = {key for kind in (*kinds, "OccupancySettings") for key in schema[kind]["properties"]}
    assert {key for key in keys if not re.search(rf"\b{key}:", "\n".join(EXAMPLES))} == {"anchor"}
    assert "anchor: centre" in PAGE.read_text(encoding="utf-8")


def _without_labels(settings: EdgeSettings) -> dict[str, CameraSettings]:
    """Return the cameras without their own labels, whose default names more than the examples need."""
    return {name: camera.model_copy(update={"labels": ()}) for name, camera in settings.cameras.items()}
