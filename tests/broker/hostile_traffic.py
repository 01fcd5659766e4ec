"""Everything that a hostile box or stranger may send, steadily: `python -m tests.broker.hostile_traffic HOST:PORT …`.

Two kinds: messages in good MQTT whose content breaks the contract, and bytes at the broker's port that are no MQTT.
"""

import asyncio
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from random import Random
from threading import Event as Flag
from threading import Thread
from typing import Final

from tests.unit.gateway.test_hostile_input import GOOD, HOSTILE, IMAGES, THUMBNAIL
from winnow.events.mqtt import MqttMessage
from winnow.events.thumbnail import sha256_of
from winnow.gateway.mqtt_connection import MqttConnection
from winnow.gateway.mqtt_packets import encode_connect, encode_publish
from winnow.runtime.mqtt import MqttSettings

MAX_BACKLOG: Final = 500
TICK_S: Final = 0.005
NODE: Final = "winnow/v1/north"


def bad_messages() -> list[tuple[MqttMessage, str]]:
    """Return each bad message with the reason that its dead letter must have."""
    events = [(_message(GOOD.topic, payload), reason) for payload, reason in HOSTILE.values()]
    images = [
        (_message(THUMBNAIL.topic, image, {**dict(THUMBNAIL.user_properties), "sha256": sha256_of(image)}), reason)
        for image, reason in IMAGES.values()
    ]
    others = [
        (_message(f"{NODE}/batch", b"\x28\xb5\x2f\xfd garbage"), "schema"),
        (_message(f"{NODE}/status", b'{"state":'), "schema"),
        (_message(f"{NODE}/events/door/behind", GOOD.payload), "topic"),
        (_message("winnow/v1/NORTH/events/door", GOOD.payload), "topic"),
        (_message("winnow/v1/south/events/door", GOOD.payload), "identity"),
    ]
    return events + images + others


def _message(topic: str, payload: bytes, properties: dict[str, str] | None = None) -> MqttMessage:
    return MqttMessage(topic=topic, payload=payload, content_type="", user_properties=tuple((properties or {}).items()))


async def send(mqtt: str, *, rate_per_s: float, seconds: float, epoch: str) -> Counter[str]:
    """Return how many bad messages the broker took, by reason; each has a place in the sequence of that epoch."""
    connection = MqttConnection(
        MqttSettings(url=f"mqtt://{mqtt}"), client_id=epoch, receive_maximum=1000, on_message=lambda _: None
    )
    await connection.open([f"{NODE}/commands"])
    messages, sent, began_s = cycle(bad_messages()), Counter[str](), time.monotonic()
    while (elapsed_s := time.monotonic() - began_s) < seconds:
        while sent.total() < elapsed_s * rate_per_s and connection.backlog < MAX_BACKLOG:
            message, reason = next(messages)
            sent[reason] += 1
            place = {"epoch": epoch, "sequence": str(sent.total())}
            connection.publish(message.topic, message.payload, list({**dict(message.user_properties), **place}.items()))
        await asyncio.sleep(TICK_S)
    while connection.backlog:  # noqa: ASYNC110 - the broker's answers set it
        await asyncio.sleep(TICK_S)
    await connection.close()
    return sent


@contextmanager
def garbage_at(address: str, seed: int) -> Iterator[list[int]]:
    """Throw bytes that are no MQTT at a port while the block runs; the list counts connections and bytes."""
    over, thrown, random = Flag(), [0, 0], Random(seed)
    host, _, port = address.partition(":")

    def throw() -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection((host, int(port)), timeout=1) as stranger:
                for piece in garbage(random):
                    stranger.sendall(piece)
                    thrown[1] += len(piece)
                stranger.settimeout(0.05)
                stranger.recv(100)
            thrown[0] += 1

    thread = Thread(target=throw, name="stranger", daemon=True)
    thread.start()
    try:
        yield thrown
    finally:
        over.set()
        thread.join(5)


def garbage(random: Random) -> list[bytes]:
    """Return what one stranger says: noise at once, or a right CONNECT and then noise, lies about lengths, or half."""
    name = f"stranger-{random.randrange(10**9)}"
    connect = encode_connect(
        name,
        keepalive_s=5,
        session_expiry_s=0,
        receive_maximum=10,
        max_packet_bytes=1000,
        username=None,
        password=None,
    )
    noise = random.randbytes(random.randrange(1, 4000))
    cut = encode_publish(1, f"{NODE}/events/door", noise)
    return random.choice(
        [
            [noise],
            [connect[: random.randrange(1, len(connect))]],
            [connect, noise],
            [connect, b"\x32\xff\xff\xff\x7f" + noise],
            [connect, cut[: random.randrange(1, len(cut))]],
            [connect, connect, noise],
            [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        ]
    )


def main(mqtt: str, rate_per_s: str, seconds: str, epoch: str) -> None:
    """Send, and print as JSON how many there were of each reason."""
    sent = asyncio.run(send(mqtt, rate_per_s=float(rate_per_s), seconds=float(seconds), epoch=epoch))
    sys.stdout.write(json.dumps(sent))


if __name__ == "__main__":
    main(*sys.argv[1:])
