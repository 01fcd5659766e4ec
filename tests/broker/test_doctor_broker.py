"""What `winnow doctor` says of a real broker: open, closed, deaf, and with the wrong key."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag

import pytest

from scripts.services import MosquittoServer, ServerMissing
from winnow.cli.diagnosis import Finding, examine_broker
from winnow.events.judging import judge
from winnow.events.topics import KAFKA_STATUS
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client

NODE = "shop-1"
LOGINS = {"whole": "one", "deaf": "two", "uncommanded": "three", "mute": "four", "all": "five"}
RIGHTS = {
    "whole": f"winnow/v1/{NODE}/+",
    "deaf": "nothing",
    "uncommanded": f"winnow/v1/{NODE}/receipts",
    "mute": f"winnow/v1/{NODE}/+",
    "all": "winnow/#",
}
SAID = {"mute": f"winnow/v1/{NODE}/receipts"}
"""What a login may write to, if not to everything of its node."""
SALT, ROUNDS = b"saltsaltsalt", 101


def as_base64(content: bytes) -> str:
    """Return the text of it."""
    return base64.b64encode(content).decode()


def security() -> str:
    """Return the file of Mosquitto's own plugin, which answers a forbidden subscription with a refusal."""
    clients = [
        {
            "username": user,
            "password": as_base64(hashlib.pbkdf2_hmac("sha512", password.encode(), SALT, ROUNDS)),
            "salt": as_base64(SALT),
            "iterations": ROUNDS,
            "roles": [{"rolename": user}],
        }
        for user, password in LOGINS.items()
    ]
    roles = [
        {
            "rolename": user,
            "acls": [
                {"acltype": "subscribePattern", "topic": topic, "priority": 0, "allow": True},
                {
                    "acltype": "publishClientSend",
                    "topic": SAID.get(user, f"winnow/v1/{NODE}/#"),
                    "priority": 0,
                    "allow": True,
                },
            ],
        }
        for user, topic in RIGHTS.items()
    ]
    closed = {"publishClientSend": False, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    return json.dumps({"defaultACLAccess": closed, "clients": clients, "roles": roles})


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MosquittoServer]:
    """Return a broker with logins and rights."""
    folder = tmp_path_factory.mktemp("broker")
    (folder / "security.json").write_text(security())
    try:
        (plugin,) = Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")
        server = MosquittoServer(settings=[f"plugin {plugin}", f"plugin_opt_config_file {folder / 'security.json'}"])
    except (ServerMissing, ValueError) as missing:
        pytest.skip(f"Mosquitto with its security plugin: {missing}")
    with server:
        yield server


def examine(broker: MosquittoServer, folder: Path, user: str, password: str, scheme: str = "mqtt") -> Finding:
    """Return what is found with a login."""
    (folder / "password").write_text(password)
    url = f"{scheme}://{broker.address}"
    settings = MqttSettings(url=url, username=user, password_file=folder / "password")
    return examine_broker(settings, NODE, SystemClock(), within_s=5)


def test_login_that_may_hear_everything_is_well(broker: MosquittoServer, tmp_path: Path) -> None:
    """Connected, round trip, both in figures."""
    found = examine(broker, tmp_path, "whole", LOGINS["whole"])
    assert (found.status, found.advice) == ("ok", "")
    assert 0 < float(str(found.facts["round_trip_ms"])) < 5000


@pytest.mark.parametrize(
    ("user", "password", "status", "advice"),
    [
        ("whole", "wrong", "problem", "mqtt.password_file"),
        ("nobody", "x", "problem", "mqtt.username"),
        ("deaf", LOGINS["deaf"], "problem", f"winnow/v1/{NODE}/receipts"),
        ("uncommanded", LOGINS["uncommanded"], "warning", f"winnow/v1/{NODE}/commands"),
        ("mute", LOGINS["mute"], "problem", f"write winnow/v1/{NODE}/#"),
    ],
)
def test_what_a_broker_refuses_is_told_with_what_to_change(  # noqa: PLR0913, PLR0917 - fixtures and a case
    broker: MosquittoServer, tmp_path: Path, user: str, password: str, status: str, advice: str
) -> None:
    """A wrong login and each missing right have their own advice."""
    found = examine(broker, tmp_path, user, password)
    assert found.status == status
    assert advice in found.advice


def test_tls_on_a_port_without_it_is_told(broker: MosquittoServer, tmp_path: Path) -> None:
    """The other scheme is proposed."""
    found = examine(broker, tmp_path, "whole", LOGINS["whole"], scheme="mqtts")
    assert found.status == "problem"
    assert "mqtt://" in found.advice


@pytest.mark.parametrize(("rights", "status"), [("pattern write winnow/v1/%u/#", "ok"), ("topic read #", "problem")])
def test_rights_of_a_list_are_told(tmp_path: Path, rights: str, status: str) -> None:
    """Mosquitto's plain list of rights, as `deploy/` has it: whether the node may write is found out."""
    (tmp_path / "acl").write_text(f"{rights}\npattern read winnow/v1/%u/+\n")
    with MosquittoServer(settings=[f"acl_file {tmp_path / 'acl'}"]) as listed:
        url = f"mqtt://{listed.address}"
        found = examine_broker(MqttSettings(url=url, username=NODE), NODE, SystemClock(), within_s=5)
    assert found.status == status
    assert ("messages are refused" in found.said) is (status == "problem")


def test_what_is_tried_leaves_nothing_behind(broker: MosquittoServer, tmp_path: Path) -> None:
    """One message, empty, not retained, of a camera that no node has: it clears a state that never was."""
    heard: list[tuple[str, bytes, bool]] = []
    (tmp_path / "password").write_text(LOGINS["all"])
    settings = MqttSettings(url=f"mqtt://{broker.address}", username="all", password_file=tmp_path / "password")
    ear = new_client(settings, client_id="ear")
    ready = Flag()
    ear.on_subscribe = lambda *_: ready.set()
    ear.on_message = lambda _client, _data, message: heard.append(
        (message.topic, bytes(message.payload), message.retain)
    )
    ear.connect(*settings.address, properties=connect_properties(session_expiry_s=0))
    ear.subscribe("winnow/#", qos=1)
    ear.loop_start()
    try:
        assert ready.wait(5)
        examine(broker, tmp_path, "whole", LOGINS["whole"])
        until_s = time.monotonic() + 5
        while not heard and time.monotonic() < until_s:
            time.sleep(0.01)
    finally:
        ear.disconnect()
        ear.loop_stop()
    assert heard == [(f"winnow/v1/{NODE}/cameras/winnow-doctor/status", b"", False)]
    assert judge(heard[0][0], b"", ()).record.topic == KAFKA_STATUS
