"""From accepted to receipted: the spool, and the publisher that delivers what it holds."""

from winnow.pipeline.delivery.errors import (
    SpoolError,
    SpoolFailedError,
    SpoolForeignError,
    SpoolFullError,
    SpoolLockedError,
)
from winnow.pipeline.delivery.hand_over import HandOver
from winnow.pipeline.delivery.message import Message, SpooledMessage
from winnow.pipeline.delivery.metrics import DeliveryMetrics
from winnow.pipeline.delivery.outbox import SpoolOutbox
from winnow.pipeline.delivery.packing import Packing
from winnow.pipeline.delivery.paho_link import paho_connect
from winnow.pipeline.delivery.publisher import Publisher
from winnow.pipeline.delivery.spool import Spool
from winnow.pipeline.delivery.sqlite_spool import SqliteSpool

__all__ = [
    "DeliveryMetrics",
    "HandOver",
    "Message",
    "Packing",
    "Publisher",
    "Spool",
    "SpoolError",
    "SpoolFailedError",
    "SpoolForeignError",
    "SpoolFullError",
    "SpoolLockedError",
    "SpoolOutbox",
    "SpooledMessage",
    "SqliteSpool",
    "paho_connect",
]
