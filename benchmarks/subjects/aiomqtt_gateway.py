"""What people write first: aiomqtt in, `AIOKafkaProducer.send` out: `… HOST PORT KAFKA TOPIC`.

The session is one that the broker keeps. aiomqtt 2.5 acknowledges each message as it arrives and offers no other way.
"""

import asyncio
import sys

import aiomqtt  # type: ignore[import-not-found]
from aiokafka import AIOKafkaProducer
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION_EXPIRY_S = 3600


async def main(host: str, port: str, kafka: str, topic: str) -> None:
    """Pass every event on for ever."""
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    session.SessionExpiryInterval = SESSION_EXPIRY_S
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    async with aiomqtt.Client(
        host,
        int(port),
        identifier="bench-aiomqtt",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=session,
        max_queued_incoming_messages=0,
    ) as client:
        await client.subscribe("winnow/v1/+/events/#", qos=1)
        async for message in client.messages:
            await producer.send(topic, value=message.payload, key=str(message.topic).encode())


asyncio.run(main(*sys.argv[1:]))
