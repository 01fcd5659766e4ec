"""What is known of nodes and cameras, brought up to date by what arrives. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from winnow.cloud_sink.store.intake import Arrival, Intake, in_utc
from winnow.cloud_sink.store.rows import UNKNOWN_STATE, CameraRow, NodeRow
from winnow.events import Event, Thumbnail
from winnow.events.data import CameraStats, NodeStats
from winnow.events.status import CameraStatus, Status

MAX_BYTES: Final = 2**62
"""Where sums of bytes stop growing: a hostile figure must not overflow a database's 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAccount:
    """A node's row and what is needed to bring it up to date.

    Attributes:
        stats_at: `recorded_at` of the newest `node.stats`.
    """

    row: NodeRow
    stats_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraAccount:
    """A camera's row and its share of the bandwidth."""

    row: CameraRow
    bytes_in: int = 0
    bytes_out: int = 0


class Ledger:
    """The accounts that one batch touches.

    Args:
        nodes: by name, as far as they are known.
        cameras: by node and name, as far as they are known.
    """

    def __init__(self, nodes: dict[str, NodeAccount], cameras: dict[tuple[str, str], CameraAccount]) -> None:
        self.nodes = nodes
        self.cameras = cameras

    def note(self, new: Iterable[Arrival], states: Iterable[tuple[str, str | None, Status]]) -> None:
        """The accounts say what the new arrivals and the states, in order, made of them."""
        messages = list(_with_times(new))
        self._note_times(messages)
        for message, at in messages:
            if isinstance(message, Event) and isinstance(message.data, NodeStats):
                self._note_stats(message.node, message.data, at)
        for node, camera, status in states:
            self._note_status(node, camera, status)

    def _note_times(self, messages: Iterable[tuple[Event | Thumbnail, datetime]]) -> None:
        """Each node and camera has the time of its newest message; written once, however many messages there are."""
        newest: dict[tuple[str, str | None], datetime] = {}
        for message, at in messages:
            for key in {(message.node, None), (message.node, message.camera)}:
                newest[key] = max(newest.get(key, at), at)
        for (node, camera), at in newest.items():
            if camera is None:
                self._put_node(node, last_event_at=at)
            else:
                self._put_camera(node, camera, last_event_at=at)

    def _note_stats(self, node: str, stats: NodeStats, at: datetime) -> None:
        account = self.nodes[node]
        if account.stats_at is None or at >= account.stats_at:
            ends_at = min((in_utc(one.not_after) for one in stats.certificates), default=None)
            row = replace(account.row, spool_depth=stats.spool_depth, certificate_ends_at=ends_at)
            self.nodes[node] = NodeAccount(row=row, stats_at=at)
        for camera in stats.cameras:
            self._add_bytes(node, camera)

    def _add_bytes(self, node: str, stats: CameraStats) -> None:
        account = self._camera(node, stats.camera)
        self.cameras[node, stats.camera] = replace(
            account,
            bytes_in=min(account.bytes_in + stats.bytes_in, MAX_BYTES),
            bytes_out=min(account.bytes_out + stats.bytes_sent, MAX_BYTES),
        )

    def _note_status(self, node: str, camera: str | None, status: Status) -> None:
        since = in_utc(status.since)
        if isinstance(status, CameraStatus):
            account = self._camera(node, str(camera))
            row = replace(account.row, state=status.state, since=since, reason=status.reason)
            self.cameras[node, row.camera] = replace(account, row=row)
        else:
            known = self._node(node)
            renewed = replace(known.row, state=status.state, since=since, version=status.version)
            self.nodes[node] = replace(known, row=renewed)

    def _put_node(self, node: str, *, last_event_at: datetime) -> None:
        account = self._node(node)
        row = replace(account.row, last_event_at=_newest(account.row.last_event_at, last_event_at))
        self.nodes[node] = replace(account, row=row)

    def _put_camera(self, node: str, camera: str, *, last_event_at: datetime) -> None:
        account = self._camera(node, camera)
        row = replace(account.row, last_event_at=_newest(account.row.last_event_at, last_event_at))
        self.cameras[node, camera] = replace(account, row=row)

    def _node(self, node: str) -> NodeAccount:
        return self.nodes.get(node) or NodeAccount(row=_unknown_node(node))

    def _camera(self, node: str, camera: str) -> CameraAccount:
        return self.cameras.get((node, camera)) or CameraAccount(row=_unknown_camera(node, camera))


def _with_times(arrivals: Iterable[Arrival]) -> Iterator[tuple[Event | Thumbnail, datetime]]:
    """Yield what a spool accepted, and when."""
    for arrival in arrivals:
        recorded = arrival.message.recorded
        if recorded is not None:
            yield arrival.message, in_utc(recorded.at)


def touched_by(intake: Intake) -> set[str]:
    """Return the nodes whose accounts a batch may change."""
    return {arrival.message.node for arrival in intake.arrivals} | {node for node, _, _ in intake.states}


def _newest(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def _unknown_node(node: str) -> NodeRow:
    return NodeRow(node=node, state=UNKNOWN_STATE, since=None, version=None, last_event_at=None, spool_depth=None)


def _unknown_camera(node: str, camera: str) -> CameraRow:
    return CameraRow(node=node, camera=camera, state=UNKNOWN_STATE, since=None, reason=None, last_event_at=None)
