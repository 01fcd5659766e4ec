"""`python3 -m scripts.services run` hands addresses to a command, passes its exit code on and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from scripts.services import MosquittoServer, Origin, Part, ServerMissing, background, report
from scripts.services.process_tree import started_at_ticks

CHECKOUT: Final = Path(__file__).parents[2]
RUN: Final = (sys.executable, "-m", "scripts.services", "run", "--")
GIVEN: Final = {
    "WINNOW_TEST_MQTT": "127.0.0.1:1",
    "WINNOW_TEST_KAFKA": "127.0.0.1:2",
    "WINNOW_TEST_POSTGRES": "postgresql://127.0.0.1:3/postgres",
    "WINNOW_TEST_CHROMIUM": "/bin/true",
    "WINNOW_TEST_GSTREAMER": "/bin/true",
}
TIMEOUT_S = 60


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command under `services run`, with nothing of this test run's own addresses."""
    return subprocess.run(
        [*RUN, *command],
        cwd=CHECKOUT,
        env=without_addresses() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def without_addresses() -> dict[str, str]:
    """Return this process's environment as a person would have it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WINNOW_")}


def test_addresses_of_the_environment_are_used_and_the_exit_code_is_passed_on() -> None:
    """What a person brings is not started again; the command sees it, and its exit code is the result."""
    ended = run(["sh", "-c", "echo $WINNOW_TEST_MQTT $WINNOW_TEST_KAFKA_KIND; exit 7"], GIVEN)

    assert ended.stdout == "127.0.0.1:1 apache\n"
    assert ended.returncode == 7
    assert "started" not in ended.stderr


def test_stand_in_is_named_and_refused_where_everything_must_be_real() -> None:
    """The mock cluster of librdkafka is called what it is, and is not enough when WINNOW_REQUIRE_REAL is set."""
    stand_in = GIVEN | {"WINNOW_TEST_KAFKA_KIND": "librdkafka"}

    allowed = run(["true"], stand_in)
    refused = run(["echo", "ran"], stand_in | {"WINNOW_REQUIRE_REAL": "1"})

    assert (allowed.returncode, refused.returncode, refused.stdout) == (0, 1, "")
    assert "NOT REAL: Apache Kafka" in allowed.stderr
    assert "NOT REAL: Apache Kafka" in refused.stderr


def test_unknown_command_is_one_clear_line() -> None:
    """A misspelt command ends with the code that a shell gives, and no traceback."""
    ended = run(["no-such-command"], GIVEN)

    assert ended.returncode == 127
    assert "no such program: no-such-command" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_the_whole_group_ends_command_and_servers(sent: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C, or SIGTERM, ends the command and every server, and removes their directories."""
    try:
        MosquittoServer().close()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    told = tmp_path / "told"
    only_mqtt = without_addresses() | {name: value for name, value in GIVEN.items() if name != "WINNOW_TEST_MQTT"}
    command = [*RUN, "sh", "-c", f"echo $WINNOW_TEST_MQTT > {told}.new; mv {told}.new {told}; exec sleep 60"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=only_mqtt | {"TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, start_new_session=True
    ) as runner:
        wait_for(told)
        (root,) = tmp_path.glob("winnow-mosquitto-*")
        os.killpg(runner.pid, sent)
        assert runner.wait(TIMEOUT_S) == 128 + sent

    assert re.fullmatch(r"127\.0\.0\.1:\d+\n", told.read_text())
    assert not root.exists()


def test_server_of_start_is_remembered_and_ended_by_its_own_pid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start` writes down pid and time of birth; `stop` ends exactly that process and forgets it."""
    monkeypatch.setattr(background, "STATE", tmp_path / "state" / "state.json")
    try:
        server = MosquittoServer()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        part = Part(name="Mosquitto", origin=Origin.STARTED, detail="", exports={"A": "b"}, server=server)
        background.remember([part], part.exports)
        (remembered,), exports = background.recall()

        assert (remembered.pid, remembered.alive, exports) == (server.pid, True, {"A": "b"})
        assert background.end_all() == ["Mosquitto"]

        assert not remembered.alive
        assert background.recall() == ([], {})


def test_pid_that_now_means_another_process_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was born at another time than the remembered one is not ended."""
    monkeypatch.setattr(background, "STATE", tmp_path / "state.json")
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        born = started_at_ticks(other.pid)
        assert born is not None
        stale = background.BackgroundServer(name="old", pid=other.pid, started_at=born - 1, root=str(tmp_path / "none"))

        assert not stale.alive

        other.kill()


def test_report_names_what_is_missing_in_its_last_line() -> None:
    """The last line of a report is the verdict."""
    real = Part(name="Mosquitto", origin=Origin.STARTED, detail="2", exports={})
    missing = Part(name="PostgreSQL", origin=Origin.MISSING, detail="install it", exports={})

    assert report([real]).splitlines()[-1] == "All parts are real."
    assert report([real, missing]).splitlines()[-1] == "NOT REAL: PostgreSQL"


def wait_for(path: Path) -> None:
    """Return once a file exists."""
    deadline = time.monotonic() + TIMEOUT_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
