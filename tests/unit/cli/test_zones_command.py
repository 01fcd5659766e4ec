"""`winnow zones` as a person types it."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import yaml
from typer.testing import CliRunner

from winnow.cli.root import app

SAMPLES = Path(__file__).parent.parent.parent.parent / "sample_videos"
SETTINGS = SAMPLES / "street.edge.yaml"


def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Return the running command and the page's address."""
    command = [sys.executable, "-m", "winnow.cli", "zones", "-c", str(SETTINGS), *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    address = re.search(r"http://127\.0\.0\.1:\d+/\S+/", running.stderr.readline())
    assert address is not None
    return running, address[0]


def post(address: str, body: bytes) -> None:
    """Send a plan as the page does."""
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    urllib.request.urlopen(request, timeout=10).read()  # noqa: S310 - loopback


def test_done_prints_the_yaml_and_leaves_the_settings_alone(tmp_path: Path) -> None:
    """What was drawn goes to standard output, and to the new file if the page was asked to save it."""
    before, out = SETTINGS.read_bytes(), tmp_path / "zones.yaml"
    running, address = start("--at", "5", "--out", str(out))
    corner = '{"name":"yard","origin":"","points":[[0.1,0.1],[0.2,0.1],[0.2,0.3]],"labels":["person"]}'
    plan = f'{{"zones":[{corner}],"lines":[],"motion_masks":[],"privacy_masks":[]}}'.encode()
    for what in ("save", "done"):
        post(address + what, plan)
    printed, _ = running.communicate(timeout=20)
    assert running.returncode == 0
    zones = yaml.safe_load(printed)["cameras"]["street"]["zones"]
    assert zones == {"yard": {"points": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]], "labels": ["person"]}}
    assert out.read_text(encoding="utf-8") == printed
    assert list(tmp_path.iterdir()) == [out]
    assert SETTINGS.read_bytes() == before


def test_interrupt_ends_the_page() -> None:
    """Nothing is printed, and nobody answers any more."""
    running, _ = start()
    running.send_signal(signal.SIGINT)
    printed, _ = running.communicate(timeout=20)
    assert (running.returncode, printed) == (130, "")


def test_existing_file_is_not_written_over(tmp_path: Path) -> None:
    """So no settings file with its comments can be lost."""
    existing = tmp_path / "edge.yaml"
    existing.write_text("# mine\n")
    result = CliRunner().invoke(app, ["zones", "-c", str(SETTINGS), "--out", str(existing)])
    assert result.exit_code == 2
    assert "exists; name a new file" in result.stderr
    assert existing.read_text() == "# mine\n"


def test_moment_after_the_end_is_said() -> None:
    """A recording has no picture there."""
    config = ["zones", "-c", str(SETTINGS), "--at", "5000"]
    result = CliRunner().invoke(app, config)
    assert result.exit_code == 2
    assert "camera street: ends before 5000 s" in result.stderr
