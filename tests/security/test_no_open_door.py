"""With default settings every listener is on the loopback address."""

import os
import socket

from tests.security.listeners import listeners_of
from winnow.cloud_sink.settings import PageSettings, SinkSettings
from winnow.gateway.settings import GatewaySettings
from winnow.pipeline.settings.edge import MetricsSettings
from winnow.runtime.embedded_broker import EmbeddedBroker

LOOPBACK = "127.0.0.1"


def test_every_listener_of_ours_is_on_loopback_by_default() -> None:
    """Metrics of the three processes, the page when asked for, the demo's broker; the page is off until asked for."""
    gateway = GatewaySettings(destination="sqlite:///x.db")
    hosts = (MetricsSettings().host, gateway.metrics.host, SinkSettings().metrics.host, PageSettings().host)
    assert hosts == (LOOPBACK,) * 4
    assert SinkSettings().http is None
    assert EmbeddedBroker().address.partition(":")[0] == LOOPBACK


def test_open_door_would_be_seen() -> None:
    """What the test of a whole run asks the kernel for is each listener's address, and no other socket's."""
    before = listeners_of(os.getpid())
    with socket.create_server(("0.0.0.0", 0)), socket.create_server(("127.0.0.2", 0)) as one:  # noqa: S104 - the open door
        with socket.create_connection(one.getsockname()):
            assert listeners_of(os.getpid()) - before == {"0.0.0.0", "127.0.0.2"}  # noqa: S104
        with socket.create_server(("::", 0), family=socket.AF_INET6):
            assert "::" in listeners_of(os.getpid())
    assert listeners_of(os.getpid()) == before
