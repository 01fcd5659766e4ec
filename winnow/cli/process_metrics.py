"""What the edge process tells of itself in its metrics: version, settings, commands."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from winnow import __version__
from winnow.cli.commands import Commands
from winnow.cli.decoder_metrics import DecodersCollector
from winnow.cli.reloading import Reloading
from winnow.events.data import CertificateEnd, SettingsInUse
from winnow.runtime.certificates import Certificates


class NodeCollector(Collector):
    """Version, settings and commands of one node.

    Args:
        reloading: reads the settings.
        commands: carries out orders.
        in_use: gives the settings that run.
    """

    def __init__(self, *, reloading: Reloading, commands: Commands, in_use: Callable[[], SettingsInUse | None]) -> None:
        self._reloading = reloading
        self._commands = commands
        self._in_use = in_use

    def collect(self) -> Iterator[Metric]:
        """Return what is known now."""
        build = GaugeMetricFamily("winnow_build_info", "Always 1; the label is the version.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield from self._settings()
        commands = CounterMetricFamily("winnow_commands", "Commands over MQTT.", labels=["command", "outcome"])
        for (command, outcome), count in self._commands.counts.copy().items():
            commands.add_metric([command, outcome], count)
        commands.add_metric(["unread", "dropped"], self._commands.dropped)
        yield commands

    def _settings(self) -> Iterator[Metric]:
        reloads = CounterMetricFamily("winnow_settings_reloads", "Times the settings were read.", labels=["outcome"])
        for outcome, count in self._reloading.counts.items():
            reloads.add_metric([outcome], count)
        yield reloads
        in_use = self._in_use()
        if in_use is not None:
            gauges = {
                "refused": ("1 while the settings file as it is now is wrong.", in_use.problem is not None),
                "need_restart": ("Keys of the settings file that wait for a restart.", len(in_use.needs_restart)),
                "taken_over_timestamp_seconds": ("When the settings were last taken over.", in_use.since.timestamp()),
            }
            for name, (text, value) in gauges.items():
                yield GaugeMetricFamily(f"winnow_settings_{name}", text, value=float(value))


def certificate_ends(certificates: Certificates) -> list[CertificateEnd]:
    """Return what `node.stats` says of certificates."""
    return [
        CertificateEnd(connection=term.connection, whose=term.whose, not_after=term.not_after)
        for term in certificates.terms()
    ]


def register_process(registry: CollectorRegistry, collector: NodeCollector) -> None:
    """Serve the node's own metrics, and those that every process on Linux has: CPU seconds, memory, open files."""
    registry.register(collector)
    registry.register(DecodersCollector())
    ProcessCollector(registry=registry)
