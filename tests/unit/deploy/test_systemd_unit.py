"""The systemd unit of the edge, as systemd itself judges it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from winnow.pipeline.settings import EdgeSettings
from winnow.runtime.settings import load_settings

DEPLOY: Final = Path(__file__).parents[3] / "deploy" / "systemd"
UNIT: Final = (DEPLOY / "winnow-edge.service").read_text(encoding="utf-8")
EXPOSURE: Final = 20
"""Tenths of `systemd-analyze security`'s 0 (closed) to 10 (open); below 2 is what it calls OK."""


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """Return the unit with its programs where they are on this machine."""
    path = tmp_path / "winnow-edge.service"
    kill = shutil.which("kill") or sys.executable
    path.write_text(UNIT.replace("/opt/winnow/bin/winnow", sys.executable).replace("/bin/kill", kill))
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Return what `systemd-analyze` says."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is missing: install Debian's systemd")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)


def test_unit_is_right(installed_unit: Path) -> None:
    """No unknown key, no missing program, no warning."""
    judged = analyze("verify", "--man=no", installed_unit)
    assert (judged.returncode, judged.stderr) == (0, "")


def test_unit_exposes_little(installed_unit: Path) -> None:
    """Its exposure stays below the threshold; without its restrictions it would be 9 and more."""
    judged = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", installed_unit)
    assert judged.returncode == 0, judged.stdout[-200:]


def test_unit_has_a_user_without_rights_and_somewhere_to_write() -> None:
    """The user is the one that sysusers makes, and the spool of the example lies in the state directory."""
    (user,) = re.findall(r"^User=(.+)$", UNIT, re.MULTILINE)
    sysusers = (DEPLOY / "winnow.sysusers").read_text(encoding="utf-8")
    assert re.search(rf"^u {user} ", sysusers, re.MULTILINE)
    (state,) = re.findall(r"^StateDirectory=(.+)$", UNIT, re.MULTILINE)
    settings = load_settings(DEPLOY / "edge.yaml", EdgeSettings)
    assert settings.spool.path.parent == Path("/var/lib") / state


def test_unit_and_process_agree_on_signals_and_exit_codes() -> None:
    """Reload is SIGHUP, wrong settings are not tried again, and a stop has more time than the process takes."""
    assert "ExecReload=/bin/kill -HUP $MAINPID" in UNIT
    assert "RestartPreventExitStatus=2" in UNIT
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(stop_s) >= 15


def test_unit_lets_webcams_be_opened_as_they_are() -> None:
    """FFmpeg opens them for reading and writing, as this group may; a device rule for reading would refuse that."""
    assert re.findall(r"^DeviceAllow=(.+)$", UNIT, re.MULTILINE) == ["char-video4linux rw"]
    assert "SupplementaryGroups=video" in UNIT
