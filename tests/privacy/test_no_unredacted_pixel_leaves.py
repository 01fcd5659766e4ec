"""The proof that nothing that leaves an edge process, or stays of it on disk, shows a pixel that the redaction hides.

A whole edge process looks at a scene of patterns (`scene`), sends over a real Mosquitto, logs at DEBUG, serves metrics,
fails at every stage and ends in a crash. All bytes that crossed the wire, both outputs and every file it leaves, the
spool with its freed pages and write-ahead log included, are searched for those patterns (`search`).

Each search is shown to work: the van, which nobody hides, is found in every mode that sends images, and with redaction
off, so are the heads, the people and what lies under the mask.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from paho.mqtt.client import Client

from tests.privacy.scene import HEAD_PX, MASK, PEOPLE, THE_VAN, WIDTH, picture, wall
from tests.privacy.search import (
    FOUND,
    SIDE_PX,
    holds_printed_pixels,
    holds_raw_pixels,
    jpegs_in,
    patches_of,
    strongest,
)
from tests.privacy.sqlite_pages import continued, pages_of
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client

CHECKOUT = Path(__file__).parents[2]
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What a run left: places by name, and their bytes.

    Attributes:
        heaps: `wire` is what the edge sent, byte for byte; `stdout`, `stderr`; and each file.
        images: what decodes as an image, over all places.
        spooled: those of the spool, put together from its pages.
        exit_code: of the process.
    """

    heaps: dict[str, bytes]
    images: list[NDArray[np.uint8]]
    spooled: list[NDArray[np.uint8]]
    exit_code: int

    @property
    def text(self) -> bytes:
        """Both outputs."""
        return self.heaps["stdout"] + self.heaps["stderr"]


class Relay:
    """Passes one TCP connection after the other on to the broker and keeps what the client sent.

    Attributes:
        address: where the client connects.
        sent: every byte that it sent.
    """

    def __init__(self, broker: str) -> None:
        host, _, port = broker.rpartition(":")
        self._broker = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.sent = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            upstream = socket.create_connection(self._broker)
            threading.Thread(target=self._pass_on, args=(client, upstream, self.sent.extend), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(upstream, client, len), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket, keep: Callable[[bytes], object]) -> None:
        try:
            while data := source.recv(65536):
                keep(data)
                target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()
            source.close()


@contextmanager
def subscriber(broker: str, node: str) -> Iterator[Client]:
    """Listen to everything that the node says, so that the broker has somebody to give it to."""
    client = new_client(MqttSettings(url=f"mqtt://{broker}"), client_id=f"listener-{node}")
    ready = threading.Event()
    client.on_subscribe = lambda *_: ready.set()
    host, _, port = broker.rpartition(":")
    client.connect(host, int(port), properties=connect_properties(session_expiry_s=0))
    client.loop_start()
    client.subscribe(f"winnow/v1/{node}/#", qos=1)
    assert ready.wait(10)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def run_edge(folder: Path, broker: str, node: str, redaction: str, *, has_mask: bool = False) -> Remains:
    """Run an edge process to its crash and collect what it left."""
    relay = Relay(broker)
    command = [sys.executable, "-m", "tests.privacy.edge", "--folder", str(folder), "--mqtt", relay.address]
    command += ["--node", node, "--redaction", redaction, *(["--mask"] if has_mask else [])]
    with subscriber(broker, node):
        ended = subprocess.run(command, cwd=folder.parent, env={"PYTHONPATH": str(CHECKOUT)}, capture_output=True,
                               timeout=WITHIN_S, check=False)  # fmt: skip
    relay.close()
    heaps = {"wire": bytes(relay.sent), "stdout": ended.stdout, "stderr": ended.stderr}
    heaps |= {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".ballast")}
    spooled = images_in_spool(heaps)
    images = [*(image for heap in heaps.values() for image in jpegs_in(heap)), *spooled]
    return Remains(heaps=heaps, images=images, spooled=spooled, exit_code=ended.returncode)


def images_in_spool(heaps: dict[str, bytes]) -> list[NDArray[np.uint8]]:
    """Return every image in the spool, those of deleted messages included."""
    pages = pages_of(heaps["spool.sqlite"], heaps.get("spool.sqlite-wal", b""))
    values = set(continued(pages, b"\xff\xd8\xff"))
    return [image for value in sorted(values) for image in jpegs_in(value)]


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the brightness of a picture."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def heads() -> list[NDArray[np.uint8]]:
    """Return patches of both heads."""
    return [patch for person in PEOPLE for patch in patches_of(grey(person.pixels())[:HEAD_PX])]


def whole_people() -> list[NDArray[np.uint8]]:
    """Return patches of all of both people."""
    return [patch for person in PEOPLE for patch in patches_of(grey(person.pixels()))]


def van() -> list[NDArray[np.uint8]]:
    """Return patches of what nobody hides."""
    return patches_of(grey(THE_VAN.pixels()))


def under_the_mask() -> list[NDArray[np.uint8]]:
    """Return patches of the wall that lie wholly under the mask, in the part where people come by."""
    left, right = int(MASK[0][0] * WIDTH), int(MASK[1][0] * WIDTH)
    return patches_of(wall()[100:300, left:right])


def protected_rows() -> list[NDArray[np.uint8]]:
    """Return pictures and parts as they are in memory, whose rows would show in a dump."""
    people = [person.pixels() for person in PEOPLE]
    return [*people, *map(grey, people), picture(10), grey(picture(10))]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, mqtt_address: str) -> dict[str, Remains]:
    """Return what each mode left."""
    found: dict[str, Remains] = {}
    for redaction, has_mask in (
        ("none", False),
        ("heads", False),
        ("people", False),
        ("no-images", False),
        ("none", True),
        ("heads", True),
    ):
        name = f"{redaction}{'-mask' if has_mask else ''}"
        folder = tmp_path_factory.mktemp(name)
        node = f"leak-{name}-{folder.parent.name[-8:].replace('_', '-')}".lower()
        found[name] = run_edge(folder, mqtt_address, node, redaction, has_mask=has_mask)
    return found


@pytest.mark.parametrize("mode", ["heads", "people", "no-images", "none-mask", "heads-mask"])
def test_process_went_through_every_stage_and_crashed(runs: dict[str, Remains], mode: str) -> None:
    """Each failing camera failed where it should, its traceback is in the log, and the end was a crash dump."""
    remains = runs[mode]
    with_pictures = () if mode == "no-images" else ("encoder", "outbox")
    for part in ("source", "detector", *with_pictures):
        assert f"the {part} cannot take".encode() in remains.text
    assert b"Traceback" in remains.text
    assert b"Fatal Python error: Aborted" in remains.heaps["stderr"]
    assert remains.exit_code < 0
    assert b"winnow_frames_decoded_total" in remains.heaps["metrics"]
    assert len(remains.heaps["wire"]) > 2000
    assert b"object.ended" in remains.heaps["spool.sqlite"] + remains.heaps.get("spool.sqlite-wal", b"")


def test_search_finds_everything_where_nothing_is_hidden(runs: dict[str, Remains]) -> None:
    """With redaction off, every protected region is on the wire and in the spool, deleted messages included."""
    remains = runs["none"]
    for images in (list(jpegs_in(remains.heaps["wire"])), remains.spooled):
        assert len(images) >= 3
        for person in PEOPLE:
            assert strongest(images, [grey(person.pixels())[:SIDE_PX, 8 : 8 + SIDE_PX]]) > 0.8
    for regions in (heads(), whole_people(), van(), under_the_mask()):
        assert strongest(remains.images, regions) > 0.8


def test_heads_are_nowhere(runs: dict[str, Remains]) -> None:
    """In `heads` and `people` no image anywhere shows a head; bodies and the van are there, so the search works."""
    for mode in ("heads", "heads-mask", "people"):
        assert strongest(runs[mode].images, heads()) < FOUND
    for mode in ("heads", "people"):
        assert strongest(runs[mode].images, van()) > 0.8
    assert strongest(runs["heads"].images, whole_people()) > 0.8


def test_people_are_nowhere(runs: dict[str, Remains]) -> None:
    """In `people` no part of anybody is left."""
    assert strongest(runs["people"].images, whole_people()) < FOUND


def test_no_images_leaves_no_image(runs: dict[str, Remains]) -> None:
    """Not one JPEG, in no place."""
    assert runs["no-images"].images == []


@pytest.mark.parametrize("mode", ["none-mask", "heads-mask"])
def test_masked_area_is_nowhere(runs: dict[str, Remains], mode: str) -> None:
    """A mask hides in every mode, also where nobody else is hidden."""
    assert strongest(runs[mode].images, under_the_mask()) < FOUND
    assert strongest(runs[mode].images, van()) > 0.8


@pytest.mark.parametrize("mode", ["none", "heads", "people", "no-images", "none-mask", "heads-mask"])
def test_no_place_holds_pixels_that_nobody_encoded(runs: dict[str, Remains], mode: str) -> None:
    """Neither raw rows nor printed arrays: not in a log, a metric, a traceback, a crash dump, the spool or a packet."""
    for content in runs[mode].heaps.values():
        assert not holds_raw_pixels(content, protected_rows())
    assert not holds_printed_pixels(runs[mode].text + runs[mode].heaps["metrics"])


def test_search_finds_pixels_that_nobody_encoded() -> None:
    """A row in the middle of other bytes, and an array as it prints."""
    person = PEOPLE[0].pixels()
    assert holds_raw_pixels(b"before" + person[0].tobytes() + b"behind", protected_rows())
    assert holds_printed_pixels(str(person[0].tolist()).encode())
    assert holds_printed_pixels(np.array2string(person[:2], threshold=10_000).encode())
