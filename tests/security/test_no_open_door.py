"""With default settings every listener is on the loopback address."""

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
