"""`winnow check` as a person types it."""

import json
from pathlib import Path

import cv2
from typer.testing import CliRunner

from winnow.cli.root import app

SAMPLES = Path(__file__).parent.parent.parent.parent / "sample_videos"


def test_right_settings_are_confirmed_and_drawn(tmp_path: Path) -> None:
    """Exit code 0; the picture is the frame, twice as large to be readable, with a legend below."""
    picture = tmp_path / "street.png"
    result = CliRunner().invoke(app, ["check", "-c", str(SAMPLES / "street.edge.yaml"), "--draw", str(picture)])
    assert result.exit_code == 0
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert drawn.shape[1] == 2 * 768
    assert drawn.shape[0] > 2 * 576
    bare = cv2.VideoCapture(str(SAMPLES / "street.mp4")).read()[1]
    shown = cv2.resize(drawn[: 2 * 576], (768, 576), interpolation=cv2.INTER_AREA)
    differs = (cv2.absdiff(shown, bare) > 60).any(axis=2)
    assert 0.01 < differs.mean() < 0.5


def test_every_problem_is_a_line_with_file_line_and_key(tmp_path: Path) -> None:
    """Unknown keys and bad polygons of one file come together."""
    config = tmp_path / "edge.yaml"
    config.write_text("cameras:\n  a:\n    source: a.mp4\n    lables: [x]\n    zones: {z: {points: [[0, 0]]}}\n")
    result = CliRunner().invoke(app, ["check", "-c", str(config)])
    assert result.exit_code == 2
    assert f"{config}:4: cameras.a.lables: unknown key" in result.stderr
    assert f"{config}:5: cameras.a.zones.z.points: a polygon needs at least 3 points" in result.stderr


def test_unknown_label_is_told_with_the_likely_one(tmp_path: Path) -> None:
    """Labels are those of the model."""
    config = tmp_path / "edge.yaml"
    config.write_text("cameras: {a: {source: a.mp4, labels: [persn]}}\n")
    result = CliRunner().invoke(app, ["check", "-c", str(config)])
    assert result.exit_code == 2
    assert "did you mean person?" in result.stderr


def test_unknown_model_is_told_with_the_known_ones(tmp_path: Path) -> None:
    """The message lists what there is."""
    config = tmp_path / "edge.yaml"
    config.write_text("model: yolo-best\ncameras: {a: {source: a.mp4}}\n")
    result = CliRunner().invoke(app, ["check", "-c", str(config)])
    assert result.exit_code == 2
    assert "nanodet-g-416-int8" in result.stderr


def test_camera_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """Drawing needs a frame."""
    config = tmp_path / "edge.yaml"
    config.write_text("cameras: {a: {source: nowhere.mp4}}\n")
    result = CliRunner().invoke(app, ["check", "-c", str(config), "--draw", str(tmp_path / "a.png")])
    assert result.exit_code == 2
    assert "camera a:" in result.stderr


def test_schema_for_editors_names_every_key() -> None:
    """The JSON Schema is of the whole file."""
    result = CliRunner().invoke(app, ["check", "--schema"])
    assert {"node", "model", "mqtt", "spool", "cameras"} <= json.loads(result.stdout)["properties"].keys()
