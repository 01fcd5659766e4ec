"""Receipts, states, ids and schema files."""

from datetime import UTC, datetime

import pytest

from winnow.events import ContractError, Receipt
from winnow.events.identity import digest_of, event_id
from winnow.events.limits import MAX_RECEIPT_SEQUENCES
from winnow.events.receipts import decode_receipt, encode_receipt, receipts_for
from winnow.events.schema_files import SCHEMA_DIRECTORY, generate_schemas
from winnow.events.status import CameraStatus, NodeStatus, decode_status, encode_status

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_receipts_name_every_sequence_once() -> None:
    """Many sequences are split over as few receipts as the limit allows."""
    receipts = receipts_for("e1", [*range(1, 1025), 5, 5])
    assert [len(receipt.also) for receipt in receipts] == [MAX_RECEIPT_SEQUENCES, MAX_RECEIPT_SEQUENCES]
    assert sorted(number for receipt in receipts for number in receipt.also) == list(range(1, 1025))


def test_receipt_survives_the_wire() -> None:
    """A receipt is JSON with epoch, upto and also."""
    receipt = Receipt(epoch="e1", upto=3, also=(5, 7))
    assert encode_receipt(receipt) == b'{"epoch":"e1","upto":3,"also":[5,7]}'
    assert decode_receipt(encode_receipt(receipt)) == receipt


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b'{"epoch":"e1","also":[0]}', b'{"epoch":"E 1"}', b'{"epoch":"e1","upto":-1}', b"[" * 9999]
)
def test_malformed_receipt_is_refused(payload: bytes) -> None:
    """A receipt that could delete the wrong thing raises ContractError."""
    with pytest.raises(ContractError):
        decode_receipt(payload)


def test_states_survive_the_wire() -> None:
    """Node and camera states come back as they went."""
    node = NodeStatus(state="online", since=NOON, version="1.0")
    camera = CameraStatus(state="degraded", since=NOON, reason="frozen")
    assert decode_status(encode_status(node), None) == node
    assert decode_status(encode_status(camera), "door") == camera


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"state":"napping"}', b"x" * 3000])
def test_malformed_status_is_refused(payload: bytes) -> None:
    """A state that is none raises ContractError."""
    with pytest.raises(ContractError):
        decode_status(payload, None)


def test_ids_depend_on_every_part_and_its_borders() -> None:
    """Moving a character from one part to the next gives another id."""
    ids = {digest_of("ab", "c"), digest_of("a", "bc"), digest_of("abc"), digest_of("abc", "")}
    assert len(ids) == 4
    assert event_id("s", "line.crossed", "person/1", 0) != event_id("s", "line.crossed", "person/1", 1)
    assert event_id("s", "line.crossed", "person/1", 0) == event_id("s", "line.crossed", "person/1", 0)


def test_schema_files_are_those_of_the_code() -> None:
    """Whoever changes a type writes the schemas anew: `python -m winnow.events.schema_files`."""
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in SCHEMA_DIRECTORY.glob("*.json")}
    assert on_disk == generate_schemas()
