"""What waits in a gateway's memory, against a broker of three packets that floods it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress

from winnow.gateway.metrics import GatewayMetrics
from winnow.gateway.mqtt_intake import MAX_WAITING, MAX_WAITING_BYTES, MqttIntake
from winnow.gateway.mqtt_packets import PacketBuffer, encode_publish
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.retry import Backoff

ANSWERED_AHEAD = 20
CONNACK = b"\x20\x06\x00\x00\x03\x21\x00" + bytes([ANSWERED_AHEAD])
SUBACK = b"\x90\x04\x00\x01\x00\x00"
PINGREQ = b"\xc0\x00"
TOPIC = "winnow/v1/a/events/b"
ONE_READ_BYTES = 256 * 1024
"""What asyncio reads from a socket at once; a message that was cut off by it comes on top."""


async def _eventually(condition: Callable[[], bool], *, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def _flood(payload: bytes, messages: int) -> tuple[int, int, int, str | None, Counter[int]]:
    """Return most messages and bytes that waited, how many came, how the connection ended, and what the broker heard.

    A receipt is sent for each that came; the broker answers nothing. What it heard is counted by the first byte.
    """
    heard: list[bytes] = []
    gone = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), closing(writer):
            await reader.read(1000)
            writer.write(CONNACK)
            await reader.read(1000)
            writer.write(SUBACK)
            for number in range(messages):
                writer.write(encode_publish(number + 1, TOPIC, payload))
            while received := await reader.read(1000):
                heard.append(received)
        gone.set()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    intake = MqttIntake(
        MqttSettings(url=f"mqtt://127.0.0.1:{port}").model_copy(update={"keepalive_s": 1}),
        client_id="g",
        in_flight=100,
        backoff=Backoff(first_s=1, limit_s=1),
        metrics=GatewayMetrics(),
    )
    connection = asyncio.create_task(intake.run_once())
    await _eventually(lambda: intake.waiting >= MAX_WAITING or intake.waiting_bytes >= MAX_WAITING_BYTES)
    await _eventually(lambda: b"".join(heard).count(PINGREQ) >= 3 or connection.done())
    most, most_bytes, came = intake.waiting, intake.waiting_bytes, 0
    while came < messages and await intake.wait(5):
        while intake.take() is not None:
            came += 1
            intake.publish("winnow/v1/a/receipts", b"{}")
        await asyncio.sleep(0)
    ended = connection.result() if connection.done() else None
    connection.cancel()
    await asyncio.wait({connection})
    await gone.wait()
    server.close()
    await server.wait_closed()
    told = Counter(first & 0xFE for first, _ in PacketBuffer(1000).feed(b"".join(heard)))
    return most, most_bytes, came, ended, told


def test_large_messages_wait_in_the_socket_until_there_is_room() -> None:
    """16 MiB and one read are kept at most, and all come; a broker that is not listened to is not taken for dead."""
    payload = bytes(128 * 1024)
    messages = 3 * MAX_WAITING_BYTES // len(payload)
    _, most_bytes, came, ended, _ = asyncio.run(_flood(payload, messages))
    assert MAX_WAITING_BYTES <= most_bytes <= MAX_WAITING_BYTES + ONE_READ_BYTES + len(payload)
    assert (came, ended) == (messages, None)


def test_many_messages_wait_in_the_socket_until_there_is_room() -> None:
    """A broker that sends a hundred times its window fills no memory, and all of it is taken on the same connection.

    Its answers stand behind; receipts do not wait for them.
    """
    most, _, came, ended, told = asyncio.run(_flood(b"", 3 * MAX_WAITING))
    assert MAX_WAITING <= most <= MAX_WAITING + ONE_READ_BYTES // len(encode_publish(1, TOPIC, b"")) + 1
    assert (came, ended) == (3 * MAX_WAITING, None)
    assert told[0x32] == ANSWERED_AHEAD
    assert told[0x30] == came - ANSWERED_AHEAD
