"""`winnow tail`: events on the terminal, what was and what comes."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from winnow.cli.console import EXIT_BROKEN_PIPE, error_console, fail, output_console

if TYPE_CHECKING:
    from collections.abc import Callable

    from winnow.cloud_sink.tail.selection import Selection
    from winnow.cloud_sink.tail.source import EventSource
    from winnow.events import Event

DEFAULT_KAFKA: Final = "127.0.0.1:9092"
DEFAULT_LINES: Final = 20
EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT: ended by Ctrl-C."""


def tail(  # noqa: PLR0913 - one argument an option
    *,
    kafka: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Read from Kafka. The default.")] = None,
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="Read from a store: sqlite:///PATH or postgresql://…")
    ] = None,
    mqtt: Annotated[
        str | None, typer.Option(metavar="URL", help="Read live from a broker: mqtt://HOST:PORT. It has no past.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Read from the Kafka of a sink's settings, with its login.")
    ] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera, or NODE/CAMERA. May be repeated.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Only objects of this label. May be repeated.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only this kind, e.g. line.crossed, or zone for all of them.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only what was recorded in the last 30s, 10m, 2h, 7d.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes. Ctrl-C ends it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One CloudEvent as JSON a line.")] = False,
    lines: Annotated[
        int | None,
        typer.Option("--lines", "-n", min=0, help="At most this many of the past. Default: 20, all with --since."),
    ] = None,
) -> None:
    """Show events, the newest last.

    Without --kafka, --store, --mqtt or -c the environment decides: WINNOW_STORE (a URL), else WINNOW_KAFKA (HOST:PORT),
    else Kafka at 127.0.0.1:9092.

    Exit codes: 0 all was shown, 2 wrong use or nothing answers, 130 Ctrl-C, 141 the reader of the output went away.
    """
    import asyncio  # noqa: PLC0415 - keeps `winnow --help` fast
    import logging  # noqa: PLC0415

    from winnow.cloud_sink.tail.following import Plan, Tail  # noqa: PLC0415
    from winnow.cloud_sink.tail.source import SourceError  # noqa: PLC0415
    from winnow.runtime.clock import SystemClock  # noqa: PLC0415

    logging.getLogger().addHandler(logging.NullHandler())  # what libraries log is told in one line below
    selection = _selection(camera or [], label or [], kind or [], since)
    if lines is None and since is None:
        lines = DEFAULT_LINES
    plan = Plan(selection=selection, lines=lines, follow=follow or mqtt is not None)
    source = _source(kafka, store, mqtt, config)
    if mqtt is not None and since is not None:
        fail("--since needs a past: a broker has none, use --kafka or --store")
    show = _show_json if as_json else _readable()
    try:
        asyncio.run(Tail(source, plan, show=show, notice=_notice, clock=SystemClock()).run())
    except SourceError as exc:
        fail(str(exc))
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it ends
        raise typer.Exit(EXIT_BROKEN_PIPE) from None


def _selection(cameras: list[str], labels: list[str], kinds: list[str], since: str | None) -> "Selection":
    from datetime import UTC, datetime  # noqa: PLC0415

    from winnow.cloud_sink.tail.selection import Selection, expand_kinds, parse_duration  # noqa: PLC0415

    try:
        moment = None if since is None else datetime.now(UTC) - parse_duration(since)
        return Selection(cameras=cameras, labels=labels, kinds=expand_kinds(kinds), since=moment)
    except (ValueError, OverflowError) as exc:
        fail(str(exc))


def _source(kafka: str | None, store: str | None, mqtt: str | None, config: Path | None) -> "EventSource":
    given = [option for option in (kafka, store, mqtt, config) if option is not None]
    if len(given) > 1:
        fail("--kafka, --store, --mqtt and -c exclude one another: give one")
    if not given:
        store = os.environ.get("WINNOW_STORE") or None
        kafka = None if store else os.environ.get("WINNOW_KAFKA") or DEFAULT_KAFKA
    if store is not None:
        return _store_source(store)
    if mqtt is not None:
        return _mqtt_source(mqtt)
    return _kafka_source(kafka, config)


def _kafka_source(address: str | None, config: Path | None) -> "EventSource":
    from winnow.cloud_sink.settings import SinkSettings  # noqa: PLC0415
    from winnow.cloud_sink.tail.kafka_source import KafkaSource  # noqa: PLC0415
    from winnow.runtime.kafka import KafkaSettings, client_arguments  # noqa: PLC0415
    from winnow.runtime.settings import SettingsError, load_settings  # noqa: PLC0415

    try:
        if config is not None:
            return KafkaSource(client_arguments(load_settings(config, SinkSettings).kafka))
        return KafkaSource(client_arguments(KafkaSettings(bootstrap_servers=address or DEFAULT_KAFKA)))
    except SettingsError as exc:
        fail(str(exc))


def _store_source(url: str) -> "EventSource":
    from functools import partial  # noqa: PLC0415

    from winnow.cloud_sink.settings import check_store_url  # noqa: PLC0415
    from winnow.cloud_sink.store import open_store  # noqa: PLC0415
    from winnow.cloud_sink.tail.store_source import StoreSource  # noqa: PLC0415

    try:
        name = f"the store {check_store_url(url)}"
    except ValueError as exc:
        fail(f"--store: {exc}")
    return StoreSource(name, partial(open_store, url, create=False))


def _mqtt_source(url: str) -> "EventSource":
    from pydantic import ValidationError  # noqa: PLC0415

    from winnow.cloud_sink.tail.mqtt_source import MqttSource  # noqa: PLC0415
    from winnow.runtime.mqtt import MqttSettings  # noqa: PLC0415

    try:
        return MqttSource(MqttSettings(url=url))
    except ValidationError as exc:
        fail(f"--mqtt: {exc.errors()[0]['msg'].removeprefix('Value error, ')}")


def _notice(text: str) -> None:
    error_console().print(text, style="dim", markup=False, soft_wrap=True)


def _show_json(event: "Event") -> None:
    from winnow.events import encode_event  # noqa: PLC0415

    sys.stdout.buffer.write(encode_event(event) + b"\n")
    sys.stdout.buffer.flush()


def _readable() -> "Callable[[Event], None]":
    from winnow.cloud_sink.tail.render import render_event  # noqa: PLC0415

    console = output_console()

    def show(event: "Event") -> None:
        with console.capture() as captured:  # rich would end the process by itself when the reader goes away
            console.print(render_event(event), soft_wrap=True)
        sys.stdout.write(captured.get().rstrip("\n") + "\n")
        sys.stdout.flush()

    return show
