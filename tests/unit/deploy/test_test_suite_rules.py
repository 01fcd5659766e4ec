"""The rules that hold for every test: no ERROR log by surprise, and nothing skipped where everything must be real."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).parents[3]
LOGS_AN_ERROR: Final = "def test_it({fixture}):\n    import logging\n    logging.getLogger('some.part').error('lost')\n"
EXPECTS_ONE_IN_VAIN: Final = "def test_it(expects_error_log):\n    pass\n"
SKIPS: Final = "import pytest\n\ndef test_it():\n    pytest.skip('no such tool')\n"


def outcome(source: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Return exit code and output of a pytest that runs one test under this suite's rules."""
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("WINNOW_")} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.returncode, ended.stdout


def test_error_log_by_surprise_fails_the_test(tmp_path: Path) -> None:
    """The failure quotes logger and message."""
    code, output = outcome(LOGS_AN_ERROR.format(fixture=""), tmp_path, {})

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "some.part: lost" in output


def test_error_log_that_was_asked_for_passes(tmp_path: Path) -> None:
    """The fixture expects_error_log allows it."""
    code, _ = outcome(LOGS_AN_ERROR.format(fixture="expects_error_log"), tmp_path, {})

    assert code == pytest.ExitCode.OK


def test_error_log_that_was_asked_for_and_never_came_fails_the_test(tmp_path: Path) -> None:
    """A test cannot expect errors just in case."""
    code, output = outcome(EXPECTS_ONE_IN_VAIN, tmp_path, {})

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "none was logged" in output


@pytest.mark.parametrize(
    ("environment", "code"),
    [({}, pytest.ExitCode.OK), ({"WINNOW_REQUIRE_REAL": "1"}, pytest.ExitCode.TESTS_FAILED)],
)
def test_skipped_test_fails_the_run_only_where_everything_must_be_real(
    environment: dict[str, str], code: pytest.ExitCode, tmp_path: Path
) -> None:
    """On the build machine a skip is a failure, and the output says so."""
    ended, output = outcome(SKIPS, tmp_path, environment)

    assert ended == code
    assert ("FAILED: tests were skipped" in output) == bool(environment)
