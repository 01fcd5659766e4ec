"""Where replayed events go: JSON lines or readable lines on standard output, thumbnails into a folder."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from winnow.cli.console import output_console
from winnow.cloud_sink.tail.render import render_event
from winnow.events import Event, Thumbnail, encode_event

Message = Event | Thumbnail
Write = Callable[[Sequence[Message]], None]


def write_json_lines(messages: Sequence[Message]) -> None:
    """Print one CloudEvent a line; thumbnails are left out."""
    for message in messages:
        if isinstance(message, Event):
            sys.stdout.buffer.write(encode_event(message) + b"\n")
    sys.stdout.buffer.flush()


def readable_lines() -> Write:
    """Return a writer of one line an event, in columns, coloured on a terminal; thumbnails are left out."""
    console = output_console()

    def write(messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, Event):
                console.print(render_event(message), soft_wrap=True)

    return write


def thumbnail_files(folder: Path) -> Write:
    """Return a writer of `folder/{event id}.jpg`, one for each thumbnail.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def write(messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, Thumbnail):
                (folder / f"{message.event_id}.jpg").write_bytes(message.jpeg)

    return write
