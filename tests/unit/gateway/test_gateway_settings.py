"""A gateway's settings: one destination, and errors that say what to write."""

from pathlib import Path

import pytest

from winnow.gateway.settings import GatewaySettings
from winnow.runtime.settings import SettingsInvalidError, load_settings

DEPLOYED = Path(__file__).parents[3] / "deploy" / "gateway.yaml"


def _load(tmp_path: Path, text: str) -> GatewaySettings:
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, GatewaySettings)


def test_deployed_settings_are_right() -> None:
    """The file that compose.yaml mounts can be loaded, and names the services of that file."""
    settings = load_settings(DEPLOYED, GatewaySettings)
    assert settings.mqtt.address == ("mosquitto", 1883)
    assert settings.kafka_settings is not None
    assert settings.kafka_settings.bootstrap_servers == "kafka:9092"


def test_kafka_url_may_name_several_brokers(tmp_path: Path) -> None:
    """The list goes to the client as it is."""
    kafka = _load(tmp_path, "destination: kafka://one:9092,two:9092").kafka_settings
    assert kafka is not None
    assert kafka.bootstrap_servers == "one:9092,two:9092"


def test_kafka_section_stands_instead_of_the_url(tmp_path: Path) -> None:
    """A login needs more than a URL."""
    text = "kafka: {bootstrap_servers: 'one:9093', security_protocol: SASL_SSL, username: g, password_file: p}"
    kafka = _load(tmp_path, text).kafka_settings
    assert kafka is not None
    assert kafka.username == "g"


@pytest.mark.parametrize("url", ["sqlite:///winnow.db", "postgresql://winnow@db/winnow"])
def test_store_url_means_no_kafka(tmp_path: Path, url: str) -> None:
    """On one machine the records go straight into the store."""
    settings = _load(tmp_path, f"destination: {url}")
    assert settings.destination == url
    assert settings.kafka_settings is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "name one of destination and kafka"),
        ("{destination: 'kafka://a:1', kafka: {}}", "name one of destination and kafka"),
        ("destination: kafka:9092", "write kafka://HOST:PORT"),
        ("destination: kafka://user:secret@host:9092", "write kafka://HOST:PORT"),
        ("{destination: 'kafka://a:1', in_flight: 0}", "in_flight"),
        ("{destination: 'kafka://a:1', batsh: {}}", "did you mean batch"),
        ("{destination: 'kafka://a:1', client_id: 'a b'}", "client_id"),
    ],
)
def test_wrong_settings_name_the_key_and_what_is_allowed(tmp_path: Path, text: str, told: str) -> None:
    """Every problem is told so that it can be mended."""
    with pytest.raises(SettingsInvalidError, match=told):
        _load(tmp_path, text)
