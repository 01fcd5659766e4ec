"""`winnow models` shows, measures and tries models, and answers wrong input with one line and exit code 2."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from winnow.cli import models
from winnow.cli.models import app, cache_folder
from winnow.detectors import DEFAULT_MODEL, find_card, read_card
from winnow.detectors.card import write_card


def winnow_models(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_refused(result: Result, *parts: str) -> None:
    """Fail unless the command ended with exit code 2 and one line that has these parts."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert all(part in result.stderr for part in parts)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return the path of a grey picture, 200 x 100."""
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((100, 200, 3), 90, np.uint8))
    return path


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    """Return the card of a copy of the default model."""
    card = find_card(DEFAULT_MODEL)
    shutil.copy(card.with_suffix(".onnx"), tmp_path)
    return Path(shutil.copy(card, tmp_path))


def test_default_model_of_the_command_is_that_of_the_package() -> None:
    """The name stands in both, because the command loads without the detectors' libraries."""
    assert models.DEFAULT_MODEL == DEFAULT_MODEL


def test_list_names_every_model() -> None:
    """People see a table, programs a list."""
    assert DEFAULT_MODEL in winnow_models("list").stdout
    (listed,) = json.loads(winnow_models("list", "--json").stdout)
    assert listed["name"] == DEFAULT_MODEL
    assert listed["labels"][0] == "person"


def test_info_shows_the_card() -> None:
    """Source, licence and measured figures are shown; as JSON it is the card."""
    shown = winnow_models("info").stdout
    assert "Apache-2.0" in shown
    assert "AP50" in shown
    card = json.loads(winnow_models("info", DEFAULT_MODEL, "--json").stdout)
    assert card["sha256"] == read_card(find_card(DEFAULT_MODEL)).sha256


def test_detect_draws_and_answers(picture: Path, tmp_path: Path) -> None:
    """A grey picture has no objects in it; the copy is written with the same size."""
    out = tmp_path / "out.jpg"
    result = winnow_models("detect", picture, "--out", out, "--json")
    assert json.loads(result.stdout) == {"image": str(picture), "model": DEFAULT_MODEL, "objects": []}
    drawn = cv2.imread(str(out))
    assert drawn is not None
    assert drawn.shape == (100, 200, 3)


def test_detect_refuses_what_is_not_a_picture(picture: Path, tmp_path: Path) -> None:
    """Missing, empty, broken and text files, and a folder, are one line each."""
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello", encoding="utf-8")
    (tmp_path / "cut.png").write_bytes(picture.read_bytes()[:40])
    assert_refused(winnow_models("detect", tmp_path / "absent.png"), "absent.png", "No such file")
    assert_refused(winnow_models("detect", tmp_path), str(tmp_path))
    for name in ("empty.png", "text.png", "cut.png"):
        assert_refused(winnow_models("detect", tmp_path / name), name, "not a picture")


def test_detect_refuses_a_target_that_cannot_be_written(picture: Path, tmp_path: Path) -> None:
    """An unknown ending and a missing folder are named."""
    assert_refused(winnow_models("detect", picture, "--out", tmp_path / "out.xyz"), "out.xyz")
    assert_refused(winnow_models("detect", picture, "--out", tmp_path / "no" / "out.png"), "No such file")


def test_exchanged_model_file_is_refused(copied_model: Path, picture: Path) -> None:
    """A model that is not the one on its card does not run."""
    with copied_model.with_suffix(".onnx").open("ab") as file:
        file.write(b"x")
    assert_refused(winnow_models("detect", picture, "--model", copied_model), "sha256", "get the file again")


def test_unknown_model_is_answered_with_the_known_ones() -> None:
    """A wrong name lists the right ones."""
    assert_refused(winnow_models("info", "resnet"), "resnet", DEFAULT_MODEL)


def test_bench_compares_two_models(copied_model: Path) -> None:
    """One row with one thread, one with all; the ratio is the quotient of the medians."""
    card = read_card(copied_model)
    write_card(card.model_copy(update={"name": "other"}), copied_model)
    result = winnow_models("bench", "--against", copied_model, "--rounds", 3, "--json")
    answer = json.loads(result.stdout)
    assert (answer["reference"], answer["model"]) == ("other", DEFAULT_MODEL)
    assert answer["rows"][0]["threads"] == 1
    assert len(answer["rows"]) == 2
    for row in answer["rows"]:
        assert row["ratio"] == pytest.approx(row["reference_ms"] / row["model_ms"])
    assert "times faster" in winnow_models("bench", "--against", copied_model, "--rounds", 1).stdout


def test_bench_says_how_to_get_the_float_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the float32 model the command to build it is given."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert_refused(winnow_models("bench"), str(tmp_path), "winnow models build nanodet-g")


def test_build_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    """An unknown recipe, a package that is another one, and a truth that is no table are named."""
    package = tmp_path / "package.tgz"
    package.write_bytes(b"something else")
    truth = tmp_path / "truth.csv"
    truth.write_text("frame,x\n", encoding="utf-8")
    frames = ("--frames", tmp_path / "absent.mp4", "--out", tmp_path / "out")
    assert_refused(winnow_models("build", "yolo", *frames), "yolo", "nanodet-g")
    assert_refused(winnow_models("build", "nanodet-g", *frames, "--package", package), "integrity")
    assert_refused(winnow_models("build", "nanodet-g", *frames, "--truth", truth), "truth.csv")
    assert not (tmp_path / "out").exists()


def test_cache_is_where_the_system_keeps_it(tmp_path: Path) -> None:
    """`XDG_CACHE_HOME` decides if it is an absolute path."""
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "winnow" / "models"
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "winnow" / "models"
