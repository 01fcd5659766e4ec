"""A running `winnow run`, its settings file rewritten under it, and orders over MQTT; no secret is ever told."""

import base64
import hashlib
import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from scripts.services import MosquittoServer, ServerMissing, free_port
from tests.end_to_end.footage import SAMPLES
from tests.end_to_end.mqtt_ear import MqttEar, listening
from tests.end_to_end.processes import WinnowProcess, eventually, winnow
from tests.unit.deploy.metric_names import documented_metrics
from winnow.events.commands import Command
from winnow.events.jpeg import jpeg_size
from winnow.pipeline.sources.testing import serve_stream, transport_stream
from winnow.runtime.mqtt import MqttSettings

pytestmark = [pytest.mark.broker]

CAMERA_SECRET = "lantern-77-camera"  # noqa: S105 - a test's own
BROKER_SECRET = "lantern-88-broker"  # noqa: S105 - a test's own
WITHIN_S = 30.0
FRAMES, FRAMES_PER_S = 795, 10
ZONE = {"points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]}


@dataclass
class LiveCamera:
    """The street as a live stream, and how often somebody connected to it."""

    stream: bytes
    connections: int = 0
    url: str = ""

    def parts(self, stopping: Event) -> Iterable[bytes]:
        """Give the stream as fast as it was filmed, then stay silent."""
        self.connections += 1
        size, began_s = len(self.stream) // FRAMES + 1, time.monotonic()
        for number in range(FRAMES):
            if stopping.wait(max(0.0, began_s + number / FRAMES_PER_S - time.monotonic())):
                return
            yield self.stream[number * size : (number + 1) * size]
        stopping.wait()


@dataclass
class Box:
    """One edge box with its settings file."""

    path: Path
    settings: dict[str, Any]
    metrics_port: int
    process: WinnowProcess
    ear: MqttEar
    street: LiveCamera
    yard: LiveCamera
    scrapes: list[str] = field(default_factory=list)

    def write(self, settings: dict[str, Any] | str) -> None:
        """Replace the file as an editor does: a new one, renamed over the old one."""
        text = settings if isinstance(settings, str) else yaml.safe_dump(settings)
        beside = self.path.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.path)

    def metrics(self) -> dict[str, float]:
        """Return every sample by its name with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        self.scrapes.append(text)
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def reloads(self, outcome: str) -> float:
        """Return how often the settings were read with this outcome."""
        return self.metrics()[f'winnow_settings_reloads_total{{outcome="{outcome}"}}']

    def wait_for(self, condition: Any, what: str) -> None:
        """Return once the condition holds."""
        eventually(condition, WITHIN_S, lambda: f"{what}:\n{self.process.log_tail()}")


def password_line(user: str, password: str) -> str:
    """Return a line of Mosquitto's password file (PBKDF2 with SHA-512)."""
    salt, rounds = b"saltsaltsalt", 101
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{user}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}\n"


@pytest.fixture
def box(tmp_path: Path, unique_name: str) -> Iterator[Box]:
    """Return a box that watches the street, with a login at its broker and one in its camera's address."""
    stream = transport_stream(SAMPLES / "street.mp4")
    street, yard = LiveCamera(stream), LiveCamera(stream)
    (tmp_path / "passwords").write_text(password_line("box", BROKER_SECRET))
    (tmp_path / "secret").write_text(BROKER_SECRET + "\n")
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(MosquittoServer(settings=[f"password_file {tmp_path / 'passwords'}"]))
        except ServerMissing as missing:
            pytest.skip(str(missing))
        for camera in (street, yard):
            url = stack.enter_context(serve_stream(camera.parts, content_type="video/mp2t"))
            camera.url = url.replace("http://", f"http://viewer:{CAMERA_SECRET}@")
        port = free_port()
        settings = {
            "node": unique_name,
            "mqtt": {"url": f"mqtt://{broker.address}", "username": "box", "password_file": "secret"},
            "spool": {"path": "spool.sqlite"},
            "metrics": {"port": port},
            "link": {"batches": False},
            "cameras": {"street": {"source": street.url, "zones": {"all": ZONE}}},
        }
        path = tmp_path / "edge.yaml"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        process = winnow("edge", "run", "-c", str(path), folder=tmp_path, health_port=port)
        ear = stack.enter_context(listening(MqttSettings(url=f"mqtt://{broker.address}"), unique_name))
        stack.enter_context(process)
        process.wait_until_ready()
        yield Box(path, settings, port, process, ear, street, yard)


def test_box_takes_over_what_is_written_and_keeps_what_is_good(box: Box, tmp_path: Path) -> None:
    """The life of a box in one run.

    A wrong file is refused with its reason and changes nothing; a new rule does not connect to the camera again; a
    camera comes and goes; orders over MQTT are carried out and answered; no secret is told to anybody.
    """
    _refuses_a_wrong_file(box)
    _redraws_without_connecting_again(box)
    _starts_and_stops_a_camera(box)
    _reads_the_file_on_sighup(box)
    _answers_commands(box)
    _serves_what_is_documented(box)
    code, _ = box.process.terminate(10.0)
    assert code == 0, box.process.log_tail()
    _tells_no_secret(box, tmp_path)


def _refuses_a_wrong_file(box: Box) -> None:
    wrong = {**box.settings, "cameras": {"street": {**box.settings["cameras"]["street"], "zone": {}}}}
    box.write(wrong)
    box.wait_for(lambda: box.reloads("refused") == 1, "the wrong file is not noticed")
    box.wait_for(lambda: _problems(box), "the reason is not told")
    assert "cameras.street.zone: unknown key" in _problems(box)[0]
    assert "did you mean zones?" in _problems(box)[0]
    assert box.metrics()["winnow_settings_refused"] == 1
    assert box.reloads("applied") == 0


def _problems(box: Box) -> list[str]:
    return [one.settings.problem for one in box.ear.statistics() if one.settings and one.settings.problem]


def _redraws_without_connecting_again(box: Box) -> None:
    street = {**box.settings["cameras"]["street"], "zones": {"all": ZONE, "more": deepcopy(ZONE)}}
    box.settings = {**box.settings, "cameras": {"street": street}, "inference_sessions": 2}
    analysed = box.metrics()['winnow_frames_analysed_total{camera="street"}']
    box.write(box.settings)
    box.wait_for(lambda: box.reloads("applied") == 1, "the right file is not taken over")
    box.wait_for(
        lambda: any(b'"more"' in bytes(one.data) for one in box.ear.envelopes("zone.entered")),
        "the zone is not watched",
    )
    metrics = box.metrics()
    assert metrics['winnow_frames_analysed_total{camera="street"}'] > analysed
    assert metrics["winnow_settings_refused"] == 0
    assert box.street.connections == 1
    in_use = box.ear.statistics()[-1].settings
    assert in_use is not None
    assert (in_use.problem, in_use.needs_restart) == (None, ["inference_sessions"])


def _starts_and_stops_a_camera(box: Box) -> None:
    cameras = box.settings["cameras"]
    box.write({**box.settings, "cameras": {**cameras, "yard": {"source": box.yard.url}}})
    box.wait_for(lambda: box.metrics().get('winnow_camera_online{camera="yard"}') == 1, "the camera does not come")
    box.write(box.settings)
    box.wait_for(lambda: 'winnow_camera_online{camera="yard"}' not in box.metrics(), "the camera does not go")
    assert (box.street.connections, box.yard.connections) == (1, 1)
    counted = [one.camera for report in box.ear.statistics() for one in report.cameras if one.frames_decoded]
    assert "yard" in counted


def _reads_the_file_on_sighup(box: Box) -> None:
    os.kill(box.process.pid, signal.SIGHUP)
    box.wait_for(lambda: box.reloads("unchanged") == 1, "SIGHUP is not heard")


def _answers_commands(box: Box) -> None:
    box.ear.order(Command(command="reload", id="a"))
    box.ear.order(Command(command="rollback", id="b"))
    box.ear.order(Command(command="snapshot", camera="street", id="c"))
    box.ear.order(Command(command="snapshot", camera="attic", id="d"))
    box.wait_for(lambda: len(_answers(box)) == 4, "not every command is answered")
    assert {one_id: outcome for one_id, (outcome, _) in _answers(box).items()} == {
        "a": "done",
        "b": "refused",
        "c": "done",
        "d": "refused",
    }
    assert "not available yet" in (_answers(box)["b"][1] or "")
    asked = [one for one in box.ear.envelopes("camera.online") if b'"is_snapshot":true' in bytes(one.data)]
    assert len(asked) == 1
    box.wait_for(lambda: any(facts["eventid"] == asked[0].id for facts, _ in box.ear.thumbnails()), "no picture")
    (picture,) = {image for facts, image in box.ear.thumbnails() if facts["eventid"] == asked[0].id}
    assert max(jpeg_size(picture)) <= 320
    assert box.metrics()['winnow_commands_total{command="snapshot",outcome="done"}'] == 1


def _answers(box: Box) -> dict[str, tuple[str, str | None]]:
    answers = [answer for report in box.ear.statistics() for answer in report.answers]
    return {answer.id: (answer.outcome, answer.reason) for answer in answers if answer.id}


def _serves_what_is_documented(box: Box) -> None:
    """Compare the metrics that are served with docs/metrics.md, both ways."""
    box.metrics()
    assert set(re.findall(r"^# TYPE (\S+) ", box.scrapes[-1], re.MULTILINE)) == documented_metrics()


def _tells_no_secret(box: Box, folder: Path) -> None:
    """Look through logs, metrics, everything published, and the spool's files."""
    log = box.process.log_path.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {"Started", "Stopped", "Settings taken over"} <= {line["message"] for line in lines}
    told = [log.encode(), *(scrape.encode() for scrape in box.scrapes)]
    told += [
        part for topic, payload, facts in box.ear.heard for part in (topic.encode(), payload, repr(facts).encode())
    ]
    told += [file.read_bytes() for file in folder.glob("spool.sqlite*")]
    assert len(told) > len(box.scrapes) > 0
    for secret in (CAMERA_SECRET, BROKER_SECRET):
        assert not [one[:200] for one in told if secret.encode() in one]
