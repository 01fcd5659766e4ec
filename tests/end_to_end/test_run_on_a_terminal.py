"""`winnow run` as a person sees it: in a real pseudo-terminal, ended with Ctrl-C or by closing the window."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.end_to_end.footage import SAMPLES
from tests.end_to_end.processes import CHECKOUT, WINNOW

WITHIN_S: Final = 40.0
CTRL_C: Final = b"\x03"


class Terminal:
    """A command in a window of its own, which is its controlling terminal."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.shown = ""
        setsid = shutil.which("setsid")
        assert setsid is not None, "setsid is part of util-linux"
        self._window, inside = pty.openpty()
        self._child = subprocess.Popen(
            [setsid, "--ctty", *command], stdin=inside, stdout=inside, stderr=inside, cwd=CHECKOUT, env=environment
        )
        os.close(inside)

    def read_until(self, condition: Callable[[str], bool]) -> None:
        """Read what is shown until it is enough, or the command has ended."""
        until_s = time.monotonic() + WITHIN_S
        while not condition(self.shown):
            assert time.monotonic() < until_s, self.shown
            if select.select([self._window], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self._window, 65536).decode()
                except OSError:  # the other end is closed
                    return

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._window, keys)

    def close(self) -> None:
        """Close the window."""
        os.close(self._window)

    def exit_code(self) -> int:
        """Return how the command ended; kill it if it does not."""
        try:
            return self._child.wait(WITHIN_S)
        except subprocess.TimeoutExpired as exc:
            self._child.kill()
            self._child.wait()
            raise AssertionError(f"still runs:\n{self.shown}") from exc


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return settings that watch the street and have no broker."""
    settings = {
        "mqtt": {"url": "mqtt://127.0.0.1:1"},
        "spool": {"path": "spool.sqlite"},
        "metrics": {"port": None},
        "cameras": {"street": {"source": str(SAMPLES / "street.mp4")}},
    }
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def run(config: Path, **more: str) -> Terminal:
    """Return a window in which the edge runs."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TERM": "xterm", "COLUMNS": "200", **more}
    return Terminal([*WINNOW, "run", "-c", str(config)], environment)


def test_person_reads_lines_and_at_the_end_a_summary(config: Path) -> None:
    """No JSON, a few lines, nothing for each frame; Ctrl-C ends it well, with what was seen and sent in figures."""
    window = run(config)
    window.read_until(lambda shown: "Started" in shown)
    time.sleep(2)
    window.type(CTRL_C)
    window.read_until(lambda _: False)
    window.close()
    assert window.exit_code() == 0, window.shown
    assert '{"time"' not in window.shown
    assert "INFO    Started  node=edge" in window.shown
    assert "decoded" in window.shown
    assert "video read" in window.shown
    assert len(window.shown.splitlines()) < 25
    assert "\x1b[33m" in window.shown  # no broker: a warning, in yellow


def test_closed_window_ends_the_edge_in_order(config: Path) -> None:
    """SIGHUP of a terminal that is gone is no order to read the settings: open objects end, the spool is closed."""
    window = run(config, NO_COLOR="1")
    window.read_until(lambda shown: "Started" in shown)
    assert "\x1b[33m" not in window.shown
    window.close()
    assert window.exit_code() in {0, 1}
    assert not list(config.parent.glob("spool.sqlite-wal"))
