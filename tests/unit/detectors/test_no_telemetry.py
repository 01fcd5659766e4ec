"""The inference library reports to nobody."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).parents[3]


def files_after(statement: str, home: Path) -> list[Path]:
    """Return what lies in a user's home after a fresh process has run the statement."""
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "CI", "GITHUB_ACTIONS"):
        environment.pop(name, None)
    subprocess.run([sys.executable, "-c", statement], env=environment, check=True, timeout=60)
    return [file for file in home.rglob("*") if file.is_file()]


@pytest.mark.parametrize("module", ["winnow.detectors", "winnow.cli.run_node"])
def test_detector_leaves_no_device_id_behind(module: str, tmp_path: Path) -> None:
    """Loading the library through the project keeps nothing in the user's home that a report would carry."""
    assert files_after(f"import {module}; import onnxruntime", tmp_path) == []
