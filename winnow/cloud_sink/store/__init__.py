"""The database behind the cloud sink: one seam, SQLite and PostgreSQL behind it."""

from winnow.cloud_sink.store.errors import StoreError, StoreUnavailableError, StoreUnusableError
from winnow.cloud_sink.store.opening import open_store
from winnow.cloud_sink.store.rows import (
    UNKNOWN_STATE,
    Bandwidth,
    CameraRow,
    DeadLetter,
    EventFilter,
    Gap,
    HourCount,
    NodeRow,
    ReusedPlaces,
    StoredEvent,
    WriteResult,
)
from winnow.cloud_sink.store.store import DEFAULT_LATENESS_S, EVERYTHING, Store, TopicPartition

__all__ = [
    "DEFAULT_LATENESS_S",
    "EVERYTHING",
    "UNKNOWN_STATE",
    "Bandwidth",
    "CameraRow",
    "DeadLetter",
    "EventFilter",
    "Gap",
    "HourCount",
    "NodeRow",
    "ReusedPlaces",
    "Store",
    "StoreError",
    "StoreUnavailableError",
    "StoreUnusableError",
    "StoredEvent",
    "TopicPartition",
    "WriteResult",
    "open_store",
]
