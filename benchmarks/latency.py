"""P8: from the moment a camera sends a picture to its event in Kafka, while the edge's core is loaded to about 70 %.

Real Mosquitto, `winnow gateway`, Apache Kafka and `winnow run`; cameras send a busy street at real time. They report
their clock, so an event about an object bears the time at which the picture was sent that made it due. The spool and
Kafka stamp it too, so three stages are told apart:

    seen       sent → handed to the spool: network, decoder (which holds a picture until the next one begins), wait for
               a turn, motion, detector, tracker, rules
    published  → stamped for Kafka: spool, publisher, Mosquitto, gateway and what it waits for company
    stored     → a consumer has it: Kafka's confirmation and delivery
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from typing import Final

from confluent_kafka import Consumer, Message

from benchmarks.harness.clips import HD, clip, describe
from benchmarks.harness.gateways import gateway_process
from benchmarks.harness.report import Report, Target, figure
from benchmarks.harness.running import running_edge, served
from scripts.services import KafkaServer, MosquittoServer
from winnow.events import Event
from winnow.events.data import ObjectEnded, ObjectStarted, ObjectUpdated
from winnow.events.kafka import from_kafka
from winnow.events.topics import KAFKA_EVENTS

LOAD: Final = 0.7
LOADS: Final = (0.5, 0.9)
"""Of the edge's core, between which the figure is one of about 70 %. Below, the machine had other work."""

PROBE_CAMERAS: Final = 4
PROBE_S: Final = 15
SETTLE_S: Final = 10
MEASURED_S: Final = 60
CLIP_S: Final = 60
LIMIT_MS: Final = 100 + 200
"""100 ms and the period of five analysed frames a second."""

STAGES: Final = ("seen", "published", "stored", "all")
SHARES: Final = (0.5, 0.95, 0.99)

_Stamps = tuple[float, float, float, float]
"""Seconds since 1970 at which a picture was sent, and its event was spooled, stamped for Kafka and consumed."""

_Arrivals = list[_Stamps]


def measure() -> Report:
    """Return the latency of all events about objects."""
    edge_core, other_core = (sorted(os.sched_getaffinity(0)) * 2)[:2]
    with (
        MosquittoServer() as mqtt,
        KafkaServer() as kafka,
        gateway_process(f"127.0.0.1:{mqtt.port}", f"127.0.0.1:{kafka.port}"),
        served(clip("busy", HD, CLIP_S), core=other_core) as sent,
    ):
        with running_edge(sent.addresses(PROBE_CAMERAS), core=edge_core) as edge:
            time.sleep(SETTLE_S)
            began_s, began_cpu_s = time.perf_counter(), edge.cpu_s()
            time.sleep(PROBE_S)
            each = (edge.cpu_s() - began_cpu_s) / (time.perf_counter() - began_s) / PROBE_CAMERAS
        cameras = max(1, round(LOAD / each))
        with (
            arrivals(f"127.0.0.1:{kafka.port}") as arrived,
            running_edge(sent.addresses(cameras), mqtt=f"mqtt://127.0.0.1:{mqtt.port}", core=edge_core) as edge,
        ):
            time.sleep(SETTLE_S)
            first, began_s, began_cpu_s = time.time(), time.perf_counter(), edge.cpu_s()
            time.sleep(MEASURED_S)
            load = (edge.cpu_s() - began_cpu_s) / (time.perf_counter() - began_s)
    return _report([stamps for stamps in arrived if stamps[-1] >= first], cameras, load)


def _report(arrived: _Arrivals, cameras: int, load: float) -> Report:
    stages_ms = [
        sorted(1000 * (stamps[to] - stamps[since]) for stamps in arrived)
        for since, to in ((0, 1), (1, 2), (2, 3), (0, 3))
    ]
    quantiles = [[found[int(share * len(found))] for share in SHARES] for found in stages_ms]
    p99 = quantiles[-1][-1]
    notes = [describe(HD), "camera server, Mosquitto, gateway and Kafka share the machine's other core"]
    is_loaded = LOADS[0] <= load <= LOADS[1]
    if not is_loaded:
        notes.append(f"not a figure of {LOAD:.0%} load, so none of P8: measure again on a machine without other work")
    measured = p99 if is_loaded else None
    return Report(
        title=f"Picture sent → event in Kafka, {cameras} cameras, busy, {MEASURED_S} s, {len(arrived)} events",
        columns=("stage", *(f"{share:.0%}, ms" for share in SHARES)),
        rows=[(stage, *map(figure, found)) for stage, found in zip(STAGES, quantiles, strict=True)],
        targets=[
            Target(number="P8", what=f"p99 at {load:.0%} load, ms", measured=measured, limit=LIMIT_MS, bound="at most"),
        ],
        notes=notes,
    )


def _stamps(event: Event, kafka_ms: int, now_s: float) -> _Stamps | None:
    """Return None for what is not about an object, and before its camera has reported its clock."""
    if not isinstance(event.data, ObjectStarted | ObjectUpdated | ObjectEnded) or event.data.clock != "rtcp":
        return None
    spooled_s = event.recorded.at.timestamp() if event.recorded else now_s
    return event.time.timestamp(), spooled_s, kafka_ms / 1000, now_s


def _headers(record: Message) -> list[tuple[str, bytes]]:
    given = record.headers() or []
    pairs = given.items() if isinstance(given, dict) else given
    return [(name, text) for name, text in pairs if isinstance(text, bytes)]


@contextmanager
def arrivals(kafka: str) -> Iterator[_Arrivals]:
    """Take the stamps of every event about an object that comes from Kafka while the block runs."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "latency", "auto.offset.reset": "earliest"})
    consumer.subscribe([KAFKA_EVENTS])
    arrived: _Arrivals = []
    stopping = Flag()

    def take() -> None:
        while not stopping.is_set():
            record = consumer.poll(0.2)
            at = time.time()
            value = record.value() if record is not None and record.error() is None else None
            if record is None or value is None:
                continue
            message = from_kafka(value, _headers(record))
            stamps = _stamps(message, record.timestamp()[1], at) if isinstance(message, Event) else None
            if stamps is not None:
                arrived.append(stamps)

    taker = Thread(target=take)
    taker.start()
    try:
        yield arrived
    finally:
        stopping.set()
        taker.join()
        consumer.close()
