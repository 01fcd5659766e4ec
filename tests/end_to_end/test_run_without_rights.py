"""`winnow run` as a service: a user without rights, an install that it cannot write, a manager that listens."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.end_to_end.footage import SAMPLES
from tests.end_to_end.processes import CHECKOUT, WINNOW

CLIP: Final = SAMPLES / "line_crossing.mp4"
NOBODY: Final = 65534
WITHIN_S: Final = 60.0


def as_nobody() -> list[str]:
    """Return a prefix that takes every right away; nothing if the tests are not run by root.

    That is another user where that one can start programs of the install, else a root without capabilities.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv is not None, "setpriv is part of util-linux"
    other = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    powerless = [setpriv, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    # The program itself is found before the rights are gone, the one that it starts is not.
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import winnow.cli'], check=True)"
    tried = subprocess.run([*other, sys.executable, "-c", starts], cwd=CHECKOUT, capture_output=True, check=False)
    return other if tried.returncode == 0 else powerless


def run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Return the finished command."""
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )


@pytest.fixture
def state() -> Iterator[Path]:
    """Return a folder that anybody may write to: pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory(prefix="winnow-state-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_box_runs_as_a_user_without_rights(state: Path) -> None:
    """It watches, spools, logs JSON, says when it is ready and alive, and leaves nothing behind but its spool."""
    config = state / "edge.yaml"
    settings = {
        "mqtt": {"url": "mqtt://127.0.0.1:1"},
        "spool": {"path": str(state / "spool.sqlite")},
        "metrics": {"port": 0},
        "cameras": {"walk": {"source": str(CLIP)}},
    }
    config.write_text(yaml.safe_dump(settings))
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(state / "notify"))
        (state / "notify").chmod(0o777)
        manager.settimeout(0)
        environment = {"NOTIFY_SOCKET": str(state / "notify"), "WATCHDOG_USEC": "9000000", "HOME": "/nonexistent"}
        done = run([*as_nobody(), *WINNOW, "run", "-c", str(config)], environment)
        told = []
        while True:
            try:
                told.append(manager.recv(4096).decode())
            except BlockingIOError:
                break
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert lines[-1]["message"] == "Stopped"
    assert lines[-1]["events"] > 0
    assert told[0].startswith("READY=1")
    assert told[-1] == "STOPPING=1"
    assert "WATCHDOG=1" in told
    left = {file.name for file in state.iterdir() if not file.name.startswith("spool.sqlite")}
    assert left == {"notify", "edge.yaml"}


def test_user_without_rights_has_none() -> None:
    """The prefix really takes them: no capability is left in effect."""
    done = run([*as_nobody(), sys.executable, "-c", "print(open('/proc/self/status').read())"], {})
    if os.geteuid() == 0:
        assert "CapEff:\t0000000000000000" in done.stdout
