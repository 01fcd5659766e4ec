"""Receipts: what Kafka (or the store) now holds, told to the edge."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from winnow.events.errors import ContractError
from winnow.events.event import Epoch, Sequence
from winnow.events.limits import MAX_RECEIPT_SEQUENCES, MAX_SEQUENCE


class Receipt(Struct, frozen=True, kw_only=True):
    """The edge may delete these.

    Attributes:
        epoch: the epoch of the sequences.
        upto: every sequence up to this one; 0 claims nothing.
        also: single sequences beyond.
    """

    epoch: Epoch
    upto: Annotated[int, Meta(ge=0, le=MAX_SEQUENCE)] = 0
    also: Annotated[tuple[Sequence, ...], Meta(max_length=MAX_RECEIPT_SEQUENCES)] = ()


def receipts_for(epoch: str, sequences: Iterable[int]) -> list[Receipt]:
    """Return as few receipts as name all `sequences` one by one."""
    ordered = sorted(set(sequences))
    chunks = (ordered[i : i + MAX_RECEIPT_SEQUENCES] for i in range(0, len(ordered), MAX_RECEIPT_SEQUENCES))
    return [Receipt(epoch=epoch, also=tuple(chunk)) for chunk in chunks]


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the receipt as JSON."""
    return msgspec.json.encode(receipt)


def decode_receipt(payload: bytes) -> Receipt:
    """Return the receipt that `payload` holds.

    Raises:
        ContractError: it holds none.
    """
    try:
        return msgspec.json.decode(payload, type=Receipt)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise ContractError("schema", f"not a receipt: {exc}") from exc
