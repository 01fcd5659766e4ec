"""The accounts as Prometheus metrics, read when somebody asks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from winnow.pipeline.bandwidth.accounts import Accounts
from winnow.pipeline.thumbnails import Size

OWN: Final = "-"
"""The label of the node's own events, which belong to no camera."""


class AccountsCollector(Collector):
    """What went out, by camera, and what the day has seen.

    Args:
        accounts: the node's.
        cameras: gives the names of those that the node has now.
    """

    def __init__(self, accounts: Accounts, cameras: Callable[[], Sequence[str]]) -> None:
        self._accounts = accounts
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        """Return the sums as they are now."""
        wire = CounterMetricFamily("winnow_wire_bytes", "Bytes of PUBLISH packets.", labels=["camera", "what"])
        day = GaugeMetricFamily("winnow_day_bytes", "Bytes of the day so far.", labels=["camera", "direction"])
        names: dict[str, str | None] = {OWN: None} | {name: name for name in self._cameras()}
        for label, camera in names.items():
            account = self._accounts.of(camera)
            for what in ("events", "thumbnails", "resent"):
                wire.add_metric([label, what], getattr(account.wire, what))
            day.add_metric([label, "read"], account.today.read)
            day.add_metric([label, "sent"], account.today.sent)
        budget = self._accounts.budget
        limit = GaugeMetricFamily("winnow_day_limit_bytes", "What a day may carry; 0 for no limit.")
        limit.add_metric([], budget.limit_bytes or 0)
        pictures = GaugeMetricFamily(
            "winnow_pictures_allowed", "1 for the size that pictures may have.", labels=["size"]
        )
        for size in get_args(Size):
            pictures.add_metric([size], float(size == budget.size))
        yield from (wire, day, limit, pictures)
