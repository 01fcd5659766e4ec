"""Starting links from settings."""

import socket
from pathlib import Path

import pytest

from winnow.pipeline.delivery import paho_connect
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.settings import SettingsError


def test_unreadable_password_ends_the_start(tmp_path: Path) -> None:
    """The error comes before the first connection is tried, and names the setting."""
    settings = MqttSettings(username="shop-1", password_file=tmp_path / "missing")
    with pytest.raises(SettingsError, match=r"mqtt\.password_file"):
        paho_connect(settings, node="shop-1", version="1.0", clock=SystemClock())


def test_broker_that_is_not_there_is_an_oserror() -> None:
    """Nothing listens: no link, no thread."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses, and nobody else can have the port
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{taken.getsockname()[1]}")
        connect = paho_connect(settings, node="shop-1", version="1.0", clock=SystemClock())
        with pytest.raises(ConnectionRefusedError):
            connect(lambda: None)
