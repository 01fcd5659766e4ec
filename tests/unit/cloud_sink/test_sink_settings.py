"""What a sink can be told."""

from pathlib import Path

import pytest

from winnow.cloud_sink.settings import PageSettings, SinkSettings
from winnow.runtime.settings import SettingsInvalidError, load_settings

DEPLOYED = Path(__file__).parents[3] / "deploy" / "sink.yaml"


def test_deployed_sink_settings_are_valid() -> None:
    """The settings file that comes with the project loads."""
    assert load_settings(DEPLOYED, SinkSettings).group == "winnow-sink"


def test_sink_without_settings_opens_nothing_to_the_network(tmp_path: Path) -> None:
    """An empty file is enough: a local Kafka, a file beside it, metrics on loopback, no page."""
    path = tmp_path / "sink.yaml"
    path.write_text("", encoding="utf-8")
    settings = load_settings(path, SinkSettings)
    assert (settings.store.url, settings.http) == ("sqlite:///winnow.db", None)
    assert {settings.metrics.host, PageSettings().host} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("store: {url: 'postgresql://me:secret@h/d'}", "store.url: no password in the URL"),
        ("store: {url: 'mysql://h/d'}", "store.url: mysql: no such store"),
        ("store: {path: x}", "allowed here: password_file, tls, url"),
        ("lateness_s: 0", "lateness_s"),
        ("group: 'a b'", "group"),
    ],
)
def test_wrong_sink_settings_are_told(tmp_path: Path, text: str, told: str) -> None:
    """A wrong key or value is named with what to write; no password is shown."""
    path = tmp_path / "sink.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalidError) as refused:
        load_settings(path, SinkSettings)
    assert told in str(refused.value)
    assert "secret" not in str(refused.value)
