"""Carries out `winnow doctor` and shows what it found."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.markup import escape

from winnow.cli.console import counted, error_console, output_console
from winnow.cli.diagnosis import (
    Finding,
    examine_broker,
    examine_camera,
    examine_certificate,
    examine_clock,
    examine_disk,
    examine_machine,
    examine_model,
)
from winnow.cli.diagnosis.examination import Examination, examine_all
from winnow.cli.diagnosis.finding import good, problem
from winnow.pipeline.settings import CameraSettings, EdgeSettings
from winnow.runtime.clock import SystemClock
from winnow.runtime.credentials import without_logins

_MARKS: Final = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "problem": "[bold red]problem[/]"}


def run_doctor(  # noqa: PLR0913 - a command's options
    path: Path,
    settings: EdgeSettings | None,
    wrong: Sequence[str],
    *,
    camera: str | None,
    within_s: float,
    as_json: bool,
) -> bool:
    """Look at everything and show it; return whether something keeps the box from working.

    Args:
        path: the settings' file.
        settings: None if they are wrong: the machine is looked at all the same.
        wrong: a line for each thing that is wrong with them.
        camera: look at this one alone.
        within_s: what a camera or the broker may take.
        as_json: print one JSON object instead of lines.
    """
    findings = [problem("settings", line, "correct the file; winnow check tells the same") for line in wrong]
    if settings is not None:
        findings.append(good("settings", f"{path} is right: {counted(len(settings.cameras), 'camera')}"))
    console = output_console()
    examinations = _examinations(settings, camera, within_s)
    if not as_json:
        _print(console, findings)
    by_number: dict[int, list[Finding]] = {}
    shown = 0
    with error_console().status(f"looking at {len(examinations)} parts"):
        for number, found in _in_two_rounds(examinations, within_s):
            by_number[number] = [_without_secrets(one) for one in found]
            while not as_json and shown in by_number:
                _print(console, by_number[shown])
                shown += 1
    findings += [one for number in sorted(by_number) for one in by_number[number]]
    has_problem = any(one.status == "problem" for one in findings)
    if as_json:
        listed = [dataclasses.asdict(one) for one in findings]
        typer.echo(json.dumps({"ok": not has_problem, "findings": listed}, indent=2))
    return has_problem


def _in_two_rounds(examinations: Sequence[Examination], within_s: float) -> Iterator[tuple[int, list[Finding]]]:
    """Give what `examine_all` gives; what measures how fast something is comes when nothing else runs."""
    for is_measured in (False, True):
        numbers = [number for number, one in enumerate(examinations) if one.is_measured == is_measured]
        for index, found in examine_all([examinations[number] for number in numbers], within_s=within_s):
            yield numbers[index], found


def _examinations(settings: EdgeSettings | None, only: str | None, within_s: float) -> list[Examination]:
    """Return what there is to look at, in the order in which it is shown."""
    if settings is None:
        return _of_machine(None)
    clock = SystemClock()
    cameras = settings.cameras if only is None else {only: settings.cameras[only]}

    def look(name: str, one: CameraSettings) -> list[Finding]:
        return [examine_camera(name, one, clock, within_s=within_s)]

    chosen = [Examination(part=f"camera {name}", look=partial(look, name, one)) for name, one in cameras.items()]
    if only is not None:
        return chosen
    return [
        *chosen,
        Examination(
            part="broker", look=lambda: [examine_broker(settings.mqtt, settings.node, clock, within_s=within_s)]
        ),
        Examination(part="certificate", look=lambda: examine_certificate(settings.mqtt, clock)),
        Examination(part="model", look=lambda: [examine_model(settings)], is_measured=True),
        Examination(part="disk", look=lambda: [examine_disk(settings.spool)]),
        *_of_machine(settings),
    ]


def _of_machine(settings: EdgeSettings | None) -> list[Examination]:
    return [
        Examination(part="clock", look=lambda: [examine_clock()]),
        Examination(part="machine", look=lambda: examine_machine(settings)),
    ]


def _print(console: Console, findings: Sequence[Finding]) -> None:
    for one in findings:
        console.print(f"{_MARKS[one.status]}  {one.part:<16} {escape(one.said)}", soft_wrap=True)
        if one.advice:
            console.print(f"{'':27}[dim]→[/] {escape(one.advice)}", soft_wrap=True)


def _without_secrets(one: Finding) -> Finding:
    return dataclasses.replace(one, said=without_logins(one.said), advice=without_logins(one.advice))
