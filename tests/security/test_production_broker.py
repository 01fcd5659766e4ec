"""Nobody gets past a real Mosquitto with the production files: what counts is what is delivered, not what is granted.

Each test has its control: the same attack on a broker whose one guard is taken away succeeds.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.security.client import SecurityClient, eventually, tls_of
from tests.security.production_broker import ProductionBroker
from winnow.cli.certificates import Authority

TOPIC = "winnow/v1/shop-1/events/door"


@contextmanager
def client(
    broker: ProductionBroker, authority: Path, name: str | None, *, client_id: str = "somebody", keeps: bool = False
) -> Iterator[SecurityClient]:
    """Yield the connection of a certificate's holder."""
    connection = SecurityClient(broker.port, tls_of(authority, name), client_id=client_id, keeps_session=keeps)
    yield connection
    connection.close()


def only_the_honest_one_arrives(broker: ProductionBroker, authority: Path, witness: SecurityClient) -> bool:
    """Publish as the node itself; return whether, when that has arrived, nothing else has."""
    with client(broker, authority, "shop-1") as honest:
        honest.publish(TOPIC, b"honest")
    assert eventually(lambda: b"honest" in witness.payloads())
    return set(witness.payloads()) == {b"honest"}


def counted(broker: ProductionBroker, words: str, action: Callable[[], object]) -> int:
    """Return how many lines with these words an action adds to the broker's log."""
    before = broker.log().count(words)
    action()
    eventually(lambda: broker.log().count(words) > before, within_s=5)
    return broker.log().count(words) - before


def attack(port: int, authority: Path, stranger: Path, intruder: str) -> SecurityClient:
    """Return what becomes of an intruder who publishes as shop-1."""
    tls = {
        "wrong CA": tls_of(stranger, "shop-1", trusts=authority),
        "expired": tls_of(authority, "late"),
        "no certificate": tls_of(authority, None),
        "plain text": None,
    }[intruder]
    connection = SecurityClient(port, tls, client_id="shop-1")
    connection.publish("winnow/v1/late/events/door" if intruder == "expired" else TOPIC, b"intruder")
    connection.close()
    return connection


@pytest.mark.parametrize(
    ("intruder", "words"),
    [
        ("wrong CA", "certificate verify failed"),
        ("expired", "certificate verify failed"),
        ("no certificate", "peer did not return a certificate"),
        ("plain text", "wrong version number"),
    ],
)
def test_nothing_is_delivered_from_somebody_without_a_good_certificate(  # noqa: PLR0913, PLR0917 - the parts
    broker: ProductionBroker, authority: Path, stranger: Path, witness: SecurityClient, intruder: str, words: str
) -> None:
    """The connection is refused, the log has one line on it, and the witness hears the honest node alone."""
    ended = []
    lines = counted(broker, words, lambda: ended.append(attack(broker.port, authority, stranger, intruder)))
    assert lines == 1
    assert not ended[0].connected
    assert only_the_honest_one_arrives(broker, authority, witness)


def test_without_the_demand_for_a_certificate_an_intruder_gets_in(authority: Path, stranger: Path) -> None:
    """Control: the same client without a certificate, on a broker that does not ask for one, delivers."""
    guards = ("require_certificate", "use_", "allow_anonymous", "acl_file")
    with ProductionBroker(authority, without=guards, extra=("allow_anonymous true",)) as open_broker:
        reader = SecurityClient(open_broker.port, tls_of(authority, None))
        reader.subscribe("winnow/v1/#")
        attack(open_broker.port, authority, stranger, "no certificate")
        assert eventually(lambda: b"intruder" in reader.payloads())
        reader.close()


def test_plain_text_port_is_closed(broker: ProductionBroker) -> None:
    """With its one listener Mosquitto opens no other port: the process listens once."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{broker.pid}/fd").iterdir()}
    tables = [Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [row.split() for table in tables for row in table]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    assert listening == [f"0100007F:{broker.port:04X}"]


def test_revoked_certificate_is_refused_after_a_reload(
    broker: ProductionBroker, authority: Path, witness: SecurityClient
) -> None:
    """Until the broker has read the new list the node gets in; from then on its connections fail and are logged."""
    now = Authority(authority).entries()[0].not_before
    with client(broker, authority, "leaver") as connection:
        assert connection.publish("winnow/v1/leaver/status", b"here") is not None
    assert eventually(lambda: b"here" in witness.payloads())
    withdrawn = Authority(authority).revoke("leaver", now)
    assert [entry.name for entry in withdrawn] == ["leaver"]
    broker.copy_revocations()
    os.kill(broker.pid, signal.SIGHUP)
    refused: list[SecurityClient] = []

    def try_again() -> bool:
        with client(broker, authority, "leaver") as connection:
            connection.publish("winnow/v1/leaver/status", b"revoked")
            refused.append(connection)
            return connection.connected

    assert eventually(lambda: not try_again())
    witness.delivered.clear()
    assert counted(broker, "certificate verify failed", try_again) == 1
    assert not refused[-1].connected
    assert only_the_honest_one_arrives(broker, authority, witness)


def test_without_the_list_a_revoked_node_gets_in(authority: Path) -> None:
    """Control: the revoked certificate is good in every other respect."""
    Authority(authority).revoke("leaver", Authority(authority).entries()[0].not_before)
    with (
        ProductionBroker(authority, without=("crlfile",)) as careless,
        client(careless, authority, "leaver") as connection,
    ):
        assert connection.connected


def test_node_cannot_write_on_a_topic_of_another_node(
    broker: ProductionBroker, authority: Path, witness: SecurityClient
) -> None:
    """The broker answers "not authorized", logs it, and delivers nothing, be it event, status, receipt or command."""
    topics = (TOPIC, "winnow/v1/shop-1/status", "winnow/v1/shop-1/receipts", "winnow/v1/shop-1/commands", "else/where")
    with client(broker, authority, "shop-2") as connection:

        def speak_as_another() -> None:
            for topic in topics:
                answer = connection.publish(topic, b"intruder", retain=True)
                assert answer is not None
                assert answer.value == 0x87

        assert counted(broker, "Denied PUBLISH from shop-2", speak_as_another) == len(topics)
    assert only_the_honest_one_arrives(broker, authority, witness)


def test_node_hears_nothing_that_is_meant_for_another_although_it_is_granted(
    broker: ProductionBroker, authority: Path
) -> None:
    """SUBACK grants every filter; of receipts, commands and events of all nodes only its own receipt is delivered."""
    with (
        client(broker, authority, "shop-2") as nosy,
        client(broker, authority, "gateway") as gateway,
        client(broker, authority, "operator") as person,
        client(broker, authority, "shop-1") as other,
    ):
        nosy.subscribe("#", "winnow/v1/shop-1/receipts", "winnow/v1/+/commands", "winnow/v1/+/events/#")
        assert not any(code.is_failure for code in nosy.granted)
        gateway.publish("winnow/v1/shop-1/receipts", b"receipt of another")
        person.publish("winnow/v1/shop-1/commands", b"command of another")
        other.publish(TOPIC, b"event of another")
        gateway.publish("winnow/v1/shop-2/receipts", b"own receipt")
        assert eventually(lambda: b"own receipt" in nosy.payloads())
        assert set(nosy.payloads()) == {b"own receipt"}


def test_without_access_rules_a_node_speaks_and_hears_as_another(authority: Path) -> None:
    """Control: what keeps nodes apart is the file with the rules."""
    with (
        ProductionBroker(authority, without=("acl_file",)) as lawless,
        client(lawless, authority, "shop-2") as nosy,
        client(lawless, authority, "gateway") as gateway,
    ):
        nosy.subscribe("winnow/v1/shop-1/#")
        nosy.publish(TOPIC, b"intruder")
        gateway.publish("winnow/v1/shop-1/receipts", b"receipt of another")
        assert eventually(lambda: {b"intruder", b"receipt of another"} <= set(nosy.payloads()))


def stolen(broker: ProductionBroker, authority: Path) -> tuple[bool, list[bytes]]:
    """Return whether a thief, who gives the client id of shop-1, ends its connection, and what the thief is handed."""
    with (
        client(broker, authority, "shop-1", client_id="winnow-edge-shop-1", keeps=True) as owner,
        client(broker, authority, "gateway") as gateway,
    ):
        owner.subscribe("winnow/v1/shop-1/receipts")
        with client(broker, authority, "shop-2", client_id="winnow-edge-shop-1", keeps=True) as thief:
            thief.subscribe("winnow/v1/shop-2/receipts")
            was_ended = not eventually(lambda: owner.publish(TOPIC, b"still here") is not None, within_s=2)
            gateway.publish("winnow/v1/shop-1/receipts", b"receipt of another")
            gateway.publish("winnow/v1/shop-2/receipts", b"own receipt")
            assert eventually(lambda: b"own receipt" in thief.payloads())
            return was_ended, thief.payloads()


def test_client_id_of_another_node_gives_neither_its_session_nor_its_messages(
    broker: ProductionBroker, authority: Path
) -> None:
    """The broker goes by the certificate: both stay connected, each in its own session, and the log names the thief."""
    line = "as shop-2 (p5, c0"
    before = broker.log().count(line)
    assert stolen(broker, authority) == (False, [b"own receipt"])
    assert broker.log().count(line) == before + 1


def test_without_the_rule_for_client_ids_a_session_is_stolen(authority: Path) -> None:
    """Control: the owner's connection is ended by a node that only knows its name."""
    with ProductionBroker(authority, without=("use_username_as_clientid",)) as naive:
        was_ended, _ = stolen(naive, authority)
        assert was_ended


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket to the collector
def test_client_refuses_a_broker_that_another_authority_vouches_for(authority: Path, stranger: Path) -> None:
    """A box hands its events to nobody who merely calls himself the broker; with the right authority it would."""
    with ProductionBroker(stranger) as impostor:
        deceived = SecurityClient(impostor.port, tls_of(authority, "shop-1"))
        assert not deceived.connected
        assert "CERTIFICATE_VERIFY_FAILED" in str(deceived.problem)
        friend = SecurityClient(impostor.port, tls_of(stranger, "shop-1"))
        assert friend.connected
        friend.close()
