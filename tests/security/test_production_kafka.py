"""Nobody gets past a real Kafka with the production files: what counts is what the topic holds afterwards.

The control stands in each test: the same function with the right login delivers.
"""

import re
import socket
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType
from confluent_kafka.admin._resource import ResourceType as Resource
from confluent_kafka.cimpl import NewTopic

from tests.security.client import eventually
from tests.security.production_kafka import PASSWORDS, ProductionKafka, certificate_login
from winnow.events.topics import KAFKA_EVENTS, KAFKA_TOPICS
from winnow.runtime.tls import TlsSettings, client_context

WITHIN_S = 1.5
pytestmark = pytest.mark.timeout(240)  # the first test starts Kafka, and eight of its tools


def login(kafka: ProductionKafka, authority: Path, user: str, password: str) -> dict[str, Any]:
    """Return what librdkafka needs to log in on the clients' port."""
    return {
        "bootstrap.servers": f"localhost:{kafka.port}",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": str(authority / "ca.pem"),
        "log_level": 0,
    }


def produced(arguments: dict[str, Any], payload: bytes, topic: str = KAFKA_EVENTS) -> bool:
    """Write one record; return whether Kafka confirmed it."""
    return bool(confirmed({payload.decode(): arguments}, topic))


def confirmed(writers: dict[str, dict[str, Any]], topic: str = KAFKA_EVENTS) -> list[str]:
    """Let each writer write its own name, all at once; return those whose record Kafka confirmed."""
    answers: dict[str, object] = {}
    producers = []
    for name, arguments in writers.items():
        producer = Producer({**arguments, "message.timeout.ms": int(WITHIN_S * 1000)})
        producer.produce(topic, name.encode(), b"a key", on_delivery=partial(_note, answers, name))
        producers.append(producer)
    for producer in producers:
        producer.flush(10)
    return [name for name in writers if answers.get(name, "no answer") is None]


def _note(answers: dict[str, object], name: str, error: object, _message: object) -> None:
    answers[name] = error


def held(kafka: ProductionKafka, authority: Path, topic: str = KAFKA_EVENTS) -> list[bytes]:
    """Return what a topic holds, read as the sink, by offsets alone."""
    reader = Consumer(
        login(kafka, authority, "sink", PASSWORDS["sink"]) | {"group.id": "winnow-sink", "enable.auto.commit": False}
    )
    found = []
    try:
        for partition in reader.list_topics(topic, timeout=20).topics[topic].partitions:
            low, high = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)
            reader.assign([TopicPartition(topic, partition, low)])
            while low < high:
                message = reader.poll(20)
                assert message is not None
                assert message.error() is None
                found.append(message.value() or b"")
                low = (message.offset() or 0) + 1
    finally:
        reader.close()
    return found


def topic_right(principal: str, operation: AclOperation) -> tuple[Any, ...]:
    """Return what makes a right to the topic of events, from whatever host, or a filter for it."""
    kind = ResourcePatternType.LITERAL
    return (Resource.TOPIC, KAFKA_EVENTS, kind, principal, "*", operation, AclPermissionType.ALLOW)


def test_nothing_is_delivered_by_anybody_but_the_gateway(
    kafka: ProductionKafka, authority: Path, stranger: Path
) -> None:
    """Wrong password, no login, plain text, no, wrong, expired or a node's certificate: refused, and in Kafka's log."""
    gateway = login(kafka, authority, "gateway", PASSWORDS["gateway"])
    strangers = {
        "ssl.certificate.location": str(stranger / "shop-1" / "certificate.pem"),
        "ssl.key.location": str(stranger / "shop-1" / "key.pem"),
    }
    intruders = {
        "wrong password": gateway | {"sasl.password": "guessed"},
        "unknown user": gateway | {"sasl.username": "admin"},
        "sink": login(kafka, authority, "sink", PASSWORDS["sink"]),
        "no login": certificate_login(kafka.port, authority, "shop-1"),
        "plain text": {"bootstrap.servers": f"localhost:{kafka.port}", "log_level": 0},
        "plain text to a broker": {"bootstrap.servers": f"localhost:{kafka.brokers_port}", "log_level": 0},
        "no certificate": certificate_login(kafka.brokers_port, authority, None),
        "expired": certificate_login(kafka.brokers_port, authority, "late"),
        "wrong CA": certificate_login(kafka.brokers_port, authority, None) | strangers,
        "a node": certificate_login(kafka.brokers_port, authority, "shop-1"),
    }
    before = kafka.log()
    assert produced(gateway, b"honest")
    assert confirmed(intruders) == []
    payloads = held(kafka, authority)
    assert b"honest" in payloads
    assert not {name.encode() for name in intruders} & set(payloads)
    log = kafka.log()[len(before) :]
    for words in (
        "invalid credentials with SASL mechanism SCRAM-SHA-512",
        "Unexpected Kafka request of type METADATA during SASL handshake",
        f"127.0.0.1:{kafka.port}-127.0.0.1:",
        f"127.0.0.1:{kafka.brokers_port}-127.0.0.1:",
        "(SSL handshake failed)",
        "Principal = User:sink is Denied operation = WRITE",
        "Principal = User:OU=node,CN=shop-1 is Denied operation",
    ):
        assert words in log, words


def test_client_refuses_a_kafka_that_another_authority_vouches_for(
    kafka: ProductionKafka, authority: Path, stranger: Path
) -> None:
    """No impostor is given the password: the connection ends before the login; with the right authority it stands."""
    address = ("localhost", kafka.port)
    with (
        socket.create_connection(address) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
        client_context(TlsSettings(ca_file=stranger / "ca.pem")).wrap_socket(raw, server_hostname="localhost"),
    ):
        pass
    with (
        socket.create_connection(address) as raw,
        client_context(TlsSettings(ca_file=authority / "ca.pem")).wrap_socket(raw, server_hostname="localhost") as safe,
    ):
        assert safe.version() == "TLSv1.3"


@pytest.mark.parametrize("topic", KAFKA_TOPICS)
def test_gateway_may_write_every_topic(kafka: ProductionKafka, authority: Path, topic: str) -> None:
    """Every topic of the contract takes its records, and none other."""
    assert produced(login(kafka, authority, "gateway", PASSWORDS["gateway"]), b"record", topic)
    assert b"record" in held(kafka, authority, topic)


def test_gateway_cannot_read_what_others_wrote(kafka: ProductionKafka, authority: Path) -> None:
    """The sink's very same request is answered; the gateway's is denied and logged, and nothing is delivered."""
    gateway = login(kafka, authority, "gateway", PASSWORDS["gateway"])
    assert produced(gateway, b"not for the gateway")
    assert b"not for the gateway" in held(kafka, authority)
    reader = Consumer(gateway | {"group.id": "winnow-sink", "enable.auto.commit": False})
    reader.assign([TopicPartition(KAFKA_EVENTS, 0, 0)])
    polled = []

    def denied() -> bool:
        polled.append(reader.poll(0.5))
        return "Principal = User:gateway is Denied operation = READ" in kafka.log()

    assert eventually(denied, within_s=20)
    assert [message.value() for message in polled if message is not None and message.error() is None] == []
    reader.close()


def test_rights_are_those_and_no_others(kafka: ProductionKafka) -> None:
    """Kafka's own tool lists what the script has given: to write, or to read, four topics and one group."""
    listed = kafka.acls("--list")
    resources = re.split(r"Current ACLs for resource ", listed)[1:]
    given = {
        (found[1], found[2], right[1], right[2])
        for resource in resources
        if (found := re.search(r"resourceType=(\w+), name=([\w.-]+), patternType=LITERAL", resource))
        for right in re.finditer(r"principal=(\S+), host=\*, operation=(\w+), permissionType=ALLOW", resource)
    }
    both = {"User:gateway": "WRITE", "User:sink": "READ"}
    expected = {
        ("TOPIC", topic, who, right)
        for topic in KAFKA_TOPICS
        for who, own in both.items()
        for right in (own, "DESCRIBE")
    }
    assert given == expected | {("GROUP", "winnow-sink", "User:sink", right) for right in ("READ", "DESCRIBE")}
    assert len(re.findall("permissionType=", listed)) == len(given)


@pytest.mark.parametrize("user", ["gateway", "sink"])
def test_neither_login_may_administer(kafka: ProductionKafka, authority: Path, user: str) -> None:
    """To make or remove topics, rights, and records, and to read in another group, is refused by name."""
    arguments = login(kafka, authority, user, PASSWORDS[user])
    admin = AdminClient(arguments)
    right = AclBinding(*topic_right(f"User:{user}", AclOperation.ALL))
    tries = [
        *admin.create_topics([NewTopic("winnow.mine", num_partitions=1, replication_factor=1)]).values(),
        *admin.delete_topics([KAFKA_EVENTS]).values(),
        *admin.delete_records([TopicPartition(KAFKA_EVENTS, 0, 0)]).values(),
        *admin.create_acls([right]).values(),
        *admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("others")]).values(),
    ]
    for tried in tries:
        with pytest.raises(KafkaException) as refused:
            tried.result(timeout=20)
        assert refused.value.args[0].name().endswith("_AUTHORIZATION_FAILED")
    assert len(tries) == 5


def test_right_to_write_is_all_that_keeps_the_sink_from_it(kafka: ProductionKafka, authority: Path) -> None:
    """Control: with the gateway's right the sink's record is delivered; without it no longer."""
    sink = login(kafka, authority, "sink", PASSWORDS["sink"])
    right = ("User:sink", AclOperation.WRITE)
    admin = kafka.admin()
    for added in admin.create_acls([AclBinding(*topic_right(*right))]).values():
        added.result(timeout=20)
    assert eventually(lambda: produced(sink, b"allowed sink"))
    assert b"allowed sink" in held(kafka, authority)
    for removed in admin.delete_acls([AclBindingFilter(*topic_right(*right))]).values():
        assert len(removed.result(timeout=20)) == 1
    assert eventually(lambda: not produced(sink, b"sink again"))
