"""What log lines look like, by where they go."""

import io
import json
import logging
import os
from pathlib import Path

import pytest

from winnow.runtime.logs import (
    ConsoleFormatter,
    JsonFormatter,
    LogFormat,
    LogStyle,
    PriorityFormatter,
    log_style,
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def record(level: int = logging.WARNING, **facts: object) -> logging.LogRecord:
    """Return a record with facts."""
    made = logging.LogRecord("winnow.x", level, __file__, 1, "Camera went offline", None, None)
    vars(made).update(facts)
    return made


@pytest.mark.parametrize(
    ("chosen", "environ", "is_terminal", "style"),
    [
        ("auto", {}, True, LogStyle(is_json=False, has_colour=True)),
        ("auto", {}, False, LogStyle(is_json=True)),
        ("auto", {"INVOCATION_ID": "1"}, True, LogStyle(is_json=False, has_colour=True)),
        ("auto", {"NO_COLOR": "1"}, True, LogStyle(is_json=False)),
        ("auto", {"TERM": "dumb"}, True, LogStyle(is_json=False)),
        ("json", {}, True, LogStyle(is_json=True)),
        ("text", {}, False, LogStyle(is_json=False)),
    ],
)
def test_style_suits_the_stream(
    chosen: LogFormat,
    environ: dict[str, str],
    is_terminal: bool,  # noqa: FBT001 - a case's value
    style: LogStyle,
) -> None:
    """Readable on a terminal, JSON elsewhere, unless somebody chose; colours only where they are wanted."""
    assert log_style(chosen, environ, Terminal() if is_terminal else io.StringIO()) == style


def test_journal_is_told_the_level(tmp_path: Path) -> None:
    """Only if the stream is the very one that systemd names."""
    with (tmp_path / "journal").open("w") as stream:
        found = os.fstat(stream.fileno())
        here = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert log_style("auto", here, stream) == LogStyle(is_json=True, has_priority=True)
        assert log_style("auto", {"JOURNAL_STREAM": "1:1"}, stream) == LogStyle(is_json=True)
    line = PriorityFormatter(JsonFormatter()).format(record())
    assert line.startswith("<4>{")


def test_json_line_holds_the_facts() -> None:
    """One object with time, level, logger, message and whatever was given with it."""
    line = json.loads(JsonFormatter().format(record(camera="door", waiting=3)))
    assert (line["level"], line["message"], line["camera"], line["waiting"]) == (
        "WARNING",
        "Camera went offline",
        "door",
        3,
    )


def test_warnings_stand_out_only_in_colour() -> None:
    """Plain text has no escape sequences, and information is never coloured."""
    assert "\x1b[33m" in ConsoleFormatter(has_colour=True).format(record())
    assert "\x1b" not in ConsoleFormatter().format(record())
    assert "\x1b" not in ConsoleFormatter(has_colour=True).format(record(logging.INFO))


@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter()])
def test_login_that_reached_a_record_does_not_reach_the_line(formatter: logging.Formatter) -> None:
    """Also in a library's own message or in an exception's text."""
    made = record(source="rtsp://viewer:lantern@192.0.2.1/stream")
    made.msg = "cannot open http://viewer:lantern@192.0.2.1/a and rtsp://b:lantern@192.0.2.2"
    assert "lantern" not in formatter.format(made)
    assert "192.0.2.2" in formatter.format(made)
