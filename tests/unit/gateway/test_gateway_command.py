"""`winnow gateway`: what it says of settings that cannot be used."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "destination: sqlite:///events.db"


def _gateway(tmp_path: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "winnow.cli", "gateway", "-c", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_check_accepts_good_settings_and_starts_nothing(tmp_path: Path) -> None:
    """Exit code 0, and one line that names the file."""
    result = _gateway(tmp_path, GOOD, "--check")
    assert result.returncode == 0
    assert "is right" in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("destination: mysql://db", "destination: write kafka://HOST:PORT"),
        (f"{GOOD}\nmqtt: {{username: a, password_file: /no/such/file}}", "password_file: /no/such/file cannot be read"),
        ("kafka: {security_protocol: SASL_PLAINTEXT, username: a}", "kafka.password_file: needed"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line_and_exit_code_2(tmp_path: Path, text: str, told: str) -> None:
    """The line names the key; there is no traceback."""
    result = _gateway(tmp_path, text)
    assert result.returncode == 2
    assert told in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_taken_port_for_metrics_is_told(tmp_path: Path) -> None:
    """The line names the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _gateway(tmp_path, f"{GOOD}\nmetrics: {{port: {port}}}")
    assert result.returncode == 2
    assert f"metrics 127.0.0.1:{port}: Address already in use; choose another port" in " ".join(result.stderr.split())
