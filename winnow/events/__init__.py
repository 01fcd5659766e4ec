"""The contract between edge and cloud: types, codec, topics, receipts. Imports nothing else of ours."""

from winnow.events.data import DATA_TYPES, EventData
from winnow.events.errors import ContractError
from winnow.events.event import Event, Recorded, decode_event, encode_event, new_event
from winnow.events.receipts import Receipt
from winnow.events.thumbnail import Thumbnail

__all__ = [
    "DATA_TYPES",
    "ContractError",
    "Event",
    "EventData",
    "Receipt",
    "Recorded",
    "Thumbnail",
    "decode_event",
    "encode_event",
    "new_event",
]
