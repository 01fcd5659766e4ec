"""The gateway beside others (P7): processor time a message on real Mosquitto and Kafka, and what a kill loses.

Every gateway has a Mosquitto to itself, all of them one Kafka; they run at the same time and get their messages in
turns. The others are set up as their documentation says for the least loss: a session that the broker keeps, QoS 1,
acknowledgement behind Kafka where there is one, Kafka's `acks=all` with idempotence.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Final
from uuid import uuid4

from benchmarks.harness.gateways import IN_A_BATCH, Gateway, cpu_s, messages, publish
from benchmarks.harness.kafka_records import count_records, identities, make_topic
from benchmarks.harness.report import Report, Target
from benchmarks.harness.tools import ToolMissingError
from scripts.services import KafkaServer, MosquittoServer
from winnow.events.mqtt import MqttMessage
from winnow.events.topics import KAFKA_EVENTS

MESSAGES: Final = 10_000
WARM_UP: Final = 2_000
KILLED: Final = 5_000
ROUNDS: Final = 5
WITHIN_S: Final = 60.0
SETTLED_S: Final = 6.0
"""After so long without a new record, a gateway that was killed and started again has passed on all that it will."""

WINNOW: Final = "Winnow"
OPENED: Final = f"Winnow, {IN_A_BATCH} events a batch, opened"
WHOLE: Final = f"Winnow, {IN_A_BATCH} events a batch, kept whole"
AIOMQTT: Final = "aiomqtt + aiokafka.send"
BRIDGE: Final = "mq-bridge"
UNCHECKED: Final = "Winnow without checks and receipts"
PROGRAMS: Final = {
    WINNOW: "",
    WHOLE: "",
    UNCHECKED: "unchecked_gateway.py",
    AIOMQTT: "aiomqtt_gateway.py",
    BRIDGE: "mq_bridge_gateway.py",
}
PROMISES: Final = {
    WINNOW: ("behind Kafka", "schema, keys, identity; receipts"),
    OPENED: ("behind Kafka", "schema, keys, identity; receipts"),
    WHOLE: ("behind Kafka", "places, images; receipts; the rest is the sink's"),
    UNCHECKED: ("behind Kafka", "nothing"),
    AIOMQTT: ("on arrival", "nothing"),
    BRIDGE: ("behind Kafka", "nothing"),
}
"""When PUBACK is sent, and what else is done with a message."""
KILLED_TOO: Final = frozenset({WINNOW, AIOMQTT, BRIDGE})


def measure() -> Report:
    """Return processor time a message of each gateway, and what each loses when it is killed."""
    notes: list[str] = []
    with KafkaServer() as kafka, ExitStack() as stack:
        gateways = [_placed(name, kafka, stack) for name in PROGRAMS]
        costs = _costs_us(gateways, notes)
        losses = {one.name: _lost_by_a_kill(one, notes) for one in gateways if one.name in {*costs} & KILLED_TOO}
    rows = [
        (name, f"{costs[name]:.1f}", *promises, *losses.get(name, ("-", "-")))
        for name, promises in PROMISES.items()
        if name in costs
    ]
    return Report(
        title=f"gateway, {MESSAGES} events of {len(messages(1)[0].payload)} bytes, median of {ROUNDS} rounds in turns",
        columns=("gateway", "CPU, µs an event", "PUBACK", "checks", f"lost of {KILLED} by a SIGKILL", "in Kafka twice"),
        rows=rows,
        targets=_targets(costs),
        notes=[
            "aiomqtt acknowledges each message when it arrives and offers no other way, so a kill loses what it holds.",
            "A message that Winnow stores twice is stored once by the sink: it has the same id.",
            "Winnow's edges send again what has no receipt; here nobody does, so a loss would show.",
            *notes,
        ],
    )


def _placed(name: str, kafka: KafkaServer, stack: ExitStack) -> Gateway:
    broker = stack.enter_context(MosquittoServer())
    topic = f"bench-{uuid4().hex[:8]}" if PROGRAMS[name] else KAFKA_EVENTS
    address = f"127.0.0.1:{kafka.port}"
    make_topic(address, topic)
    return Gateway(
        name=name,
        program=PROGRAMS[name],
        is_ours=name == UNCHECKED,
        mqtt_port=broker.port,
        kafka=address,
        topic=topic,
        keeps_batches=name == WHOLE,
    )


def _targets(costs: dict[str, float]) -> list[Target]:
    def ratio(one: str, other: str) -> float | None:
        return costs[one] / costs[other] if one in costs and other in costs else None

    figures = (
        ("gateway CPU ÷ aiomqtt + aiokafka.send", ratio(WINNOW, AIOMQTT), 0.25),
        ("the same work: without checks and receipts ÷ mq-bridge", ratio(UNCHECKED, BRIDGE), 0.9),
        ("gateway CPU, with checks and receipts ÷ mq-bridge", ratio(WINNOW, BRIDGE), 0.9),
        ("event in a batch that is opened ÷ event alone", ratio(OPENED, WINNOW), 0.1),
        ("event in a batch that is kept whole ÷ event alone", ratio(WHOLE, WINNOW), 0.1),
    )
    return [
        Target(number="P7", what=what, measured=measured, limit=limit, bound="at most")
        for what, measured, limit in figures
    ]


def _costs_us(gateways: Sequence[Gateway], notes: list[str]) -> dict[str, float]:
    """Return processor time an event in microseconds of each row of the table."""
    with ExitStack() as running:
        runs: dict[str, Callable[[], float]] = {}
        for one in gateways:
            try:
                child = running.enter_context(one.running())
                _wait_until_it_passes_on(one)
                _pass_on(one, messages(WARM_UP), WARM_UP)
            except (ToolMissingError, TimeoutError) as exc:
                notes.append(f"{one.name}: {exc}")
                continue
            runs[one.name] = partial(_cost_us, one, child.pid, batched=one.keeps_batches)
            if one.name == WINNOW:
                runs[OPENED] = partial(_cost_us, one, child.pid, batched=True)
        found: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                found[name].append(run())
    return {name: median(costs) for name, costs in found.items()}


def _cost_us(gateway: Gateway, pid: int, *, batched: bool) -> float:
    events = MESSAGES * 10 if gateway.keeps_batches else MESSAGES  # processor time is told in hundredths of a second
    sent = messages(events, batched=batched)
    before_s = cpu_s(pid)
    _pass_on(gateway, sent, len(sent) if gateway.keeps_batches else events)
    return (cpu_s(pid) - before_s) / events * 1e6


def _records(gateway: Gateway) -> int:
    return count_records(gateway.kafka, gateway.topic)


def _wait_until_it_passes_on(gateway: Gateway) -> None:
    """Return when a message has come out; what is sent before a gateway has subscribed reaches nobody."""
    before, deadline_s = _records(gateway), time.monotonic() + WITHIN_S
    while _records(gateway) == before:
        if time.monotonic() > deadline_s:
            raise TimeoutError("nothing comes out")
        publish(gateway.mqtt_port, messages(1))
        time.sleep(0.5)
    time.sleep(2)


def _pass_on(gateway: Gateway, sent: Sequence[MqttMessage], records: int) -> None:
    goal = _records(gateway) + records
    publish(gateway.mqtt_port, sent)
    deadline_s = time.monotonic() + WITHIN_S
    while (found := _records(gateway)) < goal:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{goal - found} of {records} records did not come")
        time.sleep(0.05)


def _lost_by_a_kill(gateway: Gateway, notes: list[str]) -> tuple[str, str]:
    """Kill it in the middle of a burst and start it again; return how many events are missing, and how many double."""
    before, start = identities(gateway.kafka, gateway.topic), _records(gateway)
    sent = messages(KILLED)
    with gateway.running() as child:
        time.sleep(3)
        publish(gateway.mqtt_port, sent[: KILLED // 2])
        while _records(gateway) == start:
            time.sleep(0.01)
        publish(gateway.mqtt_port, sent[KILLED // 2 :], kill=child)
    with gateway.running() as child:
        seen, since_s = -1, time.monotonic()
        while time.monotonic() - since_s < SETTLED_S:
            if (now := _records(gateway)) != seen:
                seen, since_s = now, time.monotonic()
            time.sleep(0.1)
        if child.poll() is not None:
            notes.append(f"{gateway.name} did not start again: exit code {child.returncode}")
    found = Counter(identities(gateway.kafka, gateway.topic)) - Counter(before)
    return f"{KILLED - len(found)}", f"{sum(found.values()) - len(found)}"
