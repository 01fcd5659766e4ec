"""A broker that speaks no MQTT, half of it, or too much: the gateway outlives it and goes on with a good one."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from scripts.services import MosquittoServer
from tests.broker.gateway_bench import EdgeClient, recorded_event
from tests.end_to_end.installation import made
from winnow.events.mqtt import to_mqtt
from winnow.gateway.metrics import GatewayMetrics
from winnow.gateway.mqtt_intake import MAX_WAITING_BYTES, MqttIntake
from winnow.gateway.mqtt_packets import encode_publish
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.retry import Backoff

IN_FLIGHT = 4
CONNACK = b"\x20\x03\x00\x00\x00"
SUBACK = b"\x90\x08\x00\x01\x00" + b"\x01" * 5
CONNECTIONS = 60


def event(number: int, size: int = 100) -> bytes:
    """Return a PUBLISH at QoS 1."""
    return encode_publish(number, "winnow/v1/north/events/door", bytes(size))


def said(random: Random) -> list[bytes]:
    """Return what the broker says on one connection; it never listens."""
    noise = random.randbytes(random.randrange(1, 3000))
    mutated = bytearray(event(9, 300))
    mutated[random.randrange(1, len(mutated))] ^= 1 << random.randrange(8)
    return random.choice(
        [
            [noise],
            [CONNACK, noise],
            [CONNACK, SUBACK, noise],
            [CONNACK, SUBACK, event(1), noise],
            [CONNACK, SUBACK, bytes(mutated)],
            [CONNACK, SUBACK, b"\x32\xff\xff\xff\x7f", noise],
            [CONNACK, SUBACK, b"\x32\xff\xff\xff\xff\xff"],
            [CONNACK, SUBACK, b"\x36\x06\x00\x01t\x00\x01\x00"],
            [CONNACK, SUBACK, b"\x40\x02\x00\x0a" * 50],
            [CONNACK, SUBACK, *(event(number, 250_000) for number in range(1, 80))],
            [CONNACK, SUBACK, *([event(1)[:1]] * 20)],
            [b"\x20\x03\x00\x87\x00"],
            [CONNACK, b"\x90\x04\x00\x01\x00\x87"],
            [CONNACK[:3]],
            [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
        ]
    )


@contextmanager
def hostile_broker(random: Random) -> Iterator[tuple[int, list[int]]]:
    """Accept connections and say what no broker says while the block runs; yield the port, and how many there were."""
    count = [0]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError), client:
                    for piece in said(random):
                        client.sendall(piece)
                    client.settimeout(0.02)
                    while client.recv(65_536):
                        pass
                count[0] += 1

    thread = threading.Thread(target=serve, name="hostile broker", daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], count
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def intake_at(port: int) -> MqttIntake:
    """Return an intake that tries again at once."""
    settings = MqttSettings(url=f"mqtt://127.0.0.1:{port}")
    backoff = Backoff(first_s=0.001, limit_s=0.001)
    metrics = GatewayMetrics()
    return MqttIntake(settings, client_id="gateway", in_flight=IN_FLIGHT, backoff=backoff, metrics=metrics)


def test_intake_outlives_a_hostile_broker_and_goes_on_with_a_good_one(
    unique_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes, only that connection ends: memory and files stay bounded, and the next broker is served."""
    caplog.set_level(logging.CRITICAL, logger="winnow.gateway")  # one line a connection, none of them of interest
    most_bytes = 0

    async def live() -> None:
        nonlocal most_bytes
        with hostile_broker(Random(1)) as (port, count):
            intake = intake_at(port)
            running = asyncio.create_task(intake.run())
            files = open_files()
            async with asyncio.timeout(60):
                while count[0] < CONNECTIONS:
                    most_bytes = max(most_bytes, intake.waiting_bytes)
                    assert not running.done(), running
                    if intake.waiting_bytes >= MAX_WAITING_BYTES:
                        while intake.take() is not None:
                            pass
                    await asyncio.sleep(0.001)
            assert open_files() <= files + 4
        with made(lambda: MosquittoServer(port=port)):
            edge = await asyncio.to_thread(EdgeClient, f"127.0.0.1:{port}", unique_name)
            async with asyncio.timeout(30):
                while not intake.connected:  # noqa: ASYNC110 - the product has no event for it
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(edge.publish, to_mqtt(recorded_event(unique_name, 1)))
                message = intake.take() if await intake.wait(10) else None
            edge.close()
            assert message is not None
            assert message.topic == f"winnow/v1/{unique_name}/events/door"
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(live())
    assert most_bytes <= MAX_WAITING_BYTES + 1_000_000


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([b"\x40\x02\x00\x0a"], "PUBACK for what was never sent"),
        ([b"\x36\x08\x00\x01t\x00\x01\x00xy"], "QoS 2"),
    ],
    ids=["answer to nothing", "QoS 2"],
)
def test_what_breaks_the_protocol_ends_the_connection_with_its_reason(pieces: list[bytes], reason: str) -> None:
    """A broker that does not keep to what was agreed on CONNECT is not let into memory."""

    async def connect() -> str:
        intake = intake_at(listener.getsockname()[1])
        return await asyncio.wait_for(intake.run_once(), 10)

    def serve() -> None:
        with listener.accept()[0] as client:
            client.sendall(b"".join([CONNACK, SUBACK, *pieces]))
            with suppress(OSError):
                while client.recv(65_536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert reason in asyncio.run(connect())
        thread.join(5)
