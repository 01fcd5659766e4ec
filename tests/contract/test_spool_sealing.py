"""The spool at rest: nothing readable in its files, keys that change, keys that are lost, rows that were changed."""

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import CollectorRegistry

from winnow.events.data import SpoolDropped
from winnow.events.event import decode_event
from winnow.events.mqtt import MqttMessage
from winnow.pipeline.delivery import DeliveryMetrics, Message, SpoolForeignError, SqliteSpool
from winnow.pipeline.delivery.key_file import KeyFileError, read_keys, rotate_keys
from winnow.pipeline.delivery.sealing import (
    KEY_ID_BYTES,
    NONCE_BYTES,
    SEALED,
    Place,
    ReadableRows,
    Rows,
    RowUnreadableError,
    SealedRows,
    SpoolKey,
)
from winnow.pipeline.delivery.testing import crossing, thumbnail
from winnow.runtime.testing import ManualClock

OLD, NEW, OTHER = (SpoolKey(bytes([number] * 32)) for number in range(3))
MIB = 1024 * 1024


class Box:
    """A spool's file, and whatever opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry = CollectorRegistry()
        self._metrics = DeliveryMetrics(self.registry)
        self._opened: list[SqliteSpool] = []

    def open(self, *keys: SpoolKey, node: str = "shop-1", path: Path | None = None) -> SqliteSpool:
        """Return the spool; whatever was open is closed."""
        self.close()
        rows: Rows = SealedRows(keys) if keys else ReadableRows()
        self._opened.append(
            SqliteSpool(
                path or self.path,
                node=node,
                clock=ManualClock(),
                metrics=self._metrics,
                max_bytes=64 * MIB,
                free_floor_bytes=0,
                rows=rows,
            )
        )
        return self._opened[-1]

    def close(self) -> None:
        """Close what is open."""
        while self._opened:
            self._opened.pop().close()

    def dropped(self, reason: str) -> float | None:
        """Return how many messages were given up for this reason."""
        return self.registry.get_sample_value("winnow_dropped_messages_total", {"reason": reason})


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Return a box without a spool."""
    box = Box(tmp_path / "spool.sqlite")
    yield box
    box.close()


def sequences(spool: SqliteSpool) -> list[int]:
    """Return what can be delivered."""
    return sorted(one.sequence for one in spool.next_batch(limit_messages=10_000, limit_bytes=2**40))


def tombstones(spool: SqliteSpool) -> list[SpoolDropped]:
    """Return what the tombstones that wait say."""
    waiting = spool.next_batch(limit_messages=10_000, limit_bytes=2**40)
    told = [decode_event(one.mqtt.payload) for one in waiting]
    return [event.data for event in told if isinstance(event.data, SpoolDropped)]


def bytes_on_disk(box: Box) -> bytes:
    """Return every byte of every file beside the spool: database, log, shared memory, ballast, copies."""
    files = [one for one in box.path.parent.iterdir() if one.is_file() and not one.name.endswith(".key")]
    assert any(one.name.endswith("-wal") for one in files), "the log is part of what is searched"
    return b"".join(one.read_bytes() for one in files)


def secrets_of(spool: SqliteSpool) -> list[bytes]:
    """Return what must not be found: topics, types, properties but the epoch, and pieces of all payloads."""
    waiting = spool.next_batch(limit_messages=10_000, limit_bytes=2**40)
    found = {piece for one in waiting for piece in (one.mqtt.topic.encode(), one.mqtt.content_type.encode())}
    found |= {
        text.encode()
        for one in waiting
        for name, text in one.mqtt.user_properties
        if len(text) > 8 and text != spool.epoch
    }
    for one in waiting:
        payload = one.mqtt.payload
        found |= {payload[start : start + 16] for start in range(0, len(payload) - 16, max(16, len(payload) // 20))}
    return [piece for piece in found if len(set(piece)) > 3]  # a run of equal bytes says nothing


def test_no_byte_of_event_or_picture_is_readable_on_the_disk(box: Box) -> None:
    """Database, log and ballast are searched while the spool is open; the same search finds them unsealed."""
    batch: list[Message] = [*(crossing(number) for number in range(20)), thumbnail(1, size_bytes=8192)]
    spool = box.open(OLD)
    spool.append(batch)
    wanted = secrets_of(spool)
    assert len(wanted) > 100
    raw = bytes_on_disk(box)
    assert [piece for piece in wanted if piece in raw] == []
    assert b"line.crossed" not in raw
    box.close()
    box.path.unlink()
    spool = box.open()
    spool.append(batch)
    wanted, raw = secrets_of(spool), bytes_on_disk(box)
    assert [piece for piece in wanted if piece not in raw and len(piece) < 16] == [], "the search finds what is there"
    assert b"line.crossed" in raw


def test_what_waited_readable_is_sealed_when_a_key_comes(box: Box) -> None:
    """Not even an unused page of the file keeps it."""
    spool = box.open()
    spool.append([crossing(number) for number in range(600)])
    wanted, before = secrets_of(spool), sequences(spool)
    assert b"line.crossed" in bytes_on_disk(box)
    spool = box.open(OLD)
    assert sequences(spool) == before
    spool.append([crossing(1000)])
    raw = bytes_on_disk(box)
    assert [piece for piece in wanted if piece in raw] == []


def test_old_keys_still_open_and_the_first_one_seals(box: Box) -> None:
    """After a rotation both are needed until the old rows are gone."""
    box.open(OLD).append([crossing(1)])
    spool = box.open(NEW, OLD)
    spool.append([crossing(2)])
    assert sequences(spool) == [1, 2]
    box.close()
    with sqlite3.connect(box.path) as database:
        ids = [bytes(one) for (one,) in database.execute("SELECT substr(payload, 1, 8) FROM message ORDER BY sequence")]
    database.close()
    assert ids == [OLD.id, NEW.id]
    assert sequences(box.open(NEW, OLD)) == [1, 2]


@pytest.mark.usefixtures("expects_error_log")
def test_lost_key_begins_a_new_epoch_with_a_tombstone_a_count_and_a_copy(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything that waited is named: event, metric and log say how much; the copy opens once the key is found."""
    first = box.open(OLD)
    first.append([crossing(number) for number in range(5)])
    lost_epoch = first.epoch
    spool = box.open(OTHER)
    assert spool.epoch != lost_epoch
    (told,) = tombstones(spool)
    assert (told.dropped_epoch, list(told.ranges), told.count, told.reason) == (lost_epoch, [(1, 5)], 5, "key")
    assert sequences(spool) == [1], "numbers begin again, the tombstone is the first"
    assert spool.last_sequence == 1
    assert box.dropped("key") == 5
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert (record.__dict__["messages"], record.__dict__["epoch"]) == (5, lost_epoch)
    again = box.open(OTHER)
    assert (again.epoch, sequences(again), box.dropped("key")) == (spool.epoch, [1], 5)
    copy = box.path.with_name("found.sqlite")
    shutil.copy(box.path.with_name("spool.sqlite.key-lost"), copy)
    found = box.open(OLD, path=copy)
    assert (found.epoch, sequences(found)) == (lost_epoch, [1, 2, 3, 4, 5])


@pytest.mark.usefixtures("expects_error_log")
def test_what_another_key_opens_is_not_lost_with_it(box: Box) -> None:
    """The epoch goes on where something of it can still be delivered."""
    box.open(OLD).append([crossing(1), crossing(2)])
    before = box.open(NEW, OLD)
    before.append([crossing(3)])
    epoch = before.epoch
    spool = box.open(NEW)
    assert spool.epoch == epoch
    assert sequences(spool) == [3, 4]
    (told,) = tombstones(spool)
    assert (told.dropped_epoch, list(told.ranges), told.reason) == (epoch, [(1, 2)], "key")
    assert box.dropped("key") == 2


@pytest.mark.usefixtures("expects_error_log")
def test_tombstone_of_a_lost_key_outlives_the_next_want_of_space(box: Box) -> None:
    """It speaks of another epoch, so it is not merged into those of this one."""
    first = box.open(OLD)
    first.append([crossing(1)])
    epoch = first.epoch
    spool = box.open(OTHER)
    for number in range(100):
        spool._max_bytes = 20_000
        spool.append([crossing(2 + number)])
    told = tombstones(spool)
    assert {(one.dropped_epoch, one.reason) for one in told} == {(epoch, "key"), (spool.epoch, "space")}


def test_sealed_spool_without_a_key_setting_is_refused(box: Box) -> None:
    """A setting that is missing is corrected, it costs no message."""
    box.open(OLD).append([crossing(1)])
    with pytest.raises(SpoolForeignError, match=r"1 messages wait sealed: name their key in spool\.key_file"):
        box.open()
    assert sequences(box.open(OLD)) == [1]


CHANGES = {
    "payload": "substr(payload, 1, 60) || X'0000' || substr(payload, 63)",
    "nonce": "substr(payload, 1, 8) || zeroblob(12) || substr(payload, 21)",
    "cut": "substr(payload, 1, 12)",
    "row moved": "(SELECT payload FROM message WHERE sequence = 3)",
}


@pytest.mark.usefixtures("expects_error_log")
@pytest.mark.parametrize("change", CHANGES)
def test_row_that_was_changed_or_moved_is_given_up_by_name(box: Box, change: str) -> None:
    """It never goes out; the others do, and a tombstone tells the cloud."""
    box.open(OLD).append([crossing(1), crossing(2), crossing(3)])
    box.close()
    database = sqlite3.connect(box.path, isolation_level=None)
    database.execute(f"UPDATE message SET payload = CAST({CHANGES[change]} AS BLOB) WHERE sequence = 2")  # noqa: S608 - from the list above
    database.close()
    spool = box.open(OLD)
    assert sequences(spool) == [1, 3]
    (told,) = tombstones(spool)
    assert (list(told.ranges), told.reason) == ([(2, 2)], "damaged")
    assert sequences(spool) == [1, 3, 4]
    assert box.dropped("damaged") == 1


@pytest.mark.usefixtures("expects_error_log")
@pytest.mark.parametrize(("column", "other"), [("node", "shop-2"), ("epoch", "0123456789")])
def test_rows_of_another_node_or_epoch_do_not_open(box: Box, column: str, other: str) -> None:
    """The place is part of the seal: a file that is given another name for node or epoch delivers nothing."""
    box.open(OLD).append([crossing(1)])
    box.close()
    database = sqlite3.connect(box.path, isolation_level=None)
    database.execute(f"UPDATE life SET {column} = ?", (other,))  # noqa: S608 - a name from the list above
    database.close()
    spool = box.open(OLD, node=other if column == "node" else "shop-1")
    assert sequences(spool) == []
    assert box.dropped("damaged") == 1


def test_seal_itself_is_bound_to_the_place() -> None:
    """Not by the checksum inside alone, which somebody could match: the seal of another place does not open."""
    place, rows = Place("shop-1", "e1", 7), SealedRows([NEW])
    mqtt = MqttMessage(topic="t", payload=b"p", content_type="c", user_properties=())
    sealed = rows.write(place, mqtt)
    start, end = KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES
    nonce, content = sealed.payload[start:end], sealed.payload[end:]
    cipher = AESGCM(NEW.secret)
    inside = cipher.decrypt(nonce, content, place.encoded())
    with pytest.raises(InvalidTag):
        cipher.decrypt(nonce, content, None)
    for bound, opens in ((place, True), (place._replace(sequence=8), False), (place._replace(node="shop-2"), False)):
        forged = sealed._replace(payload=NEW.id + nonce + cipher.encrypt(nonce, inside, bound.encoded()))
        if opens:
            assert rows.read(place, forged) == mqtt
        else:
            with pytest.raises(RowUnreadableError, match="moved here from another place"):
                rows.read(place, forged)


def test_sealed_rows_show_their_key_and_nothing_else(box: Box) -> None:
    """Two messages with the same content look different."""
    box.open(OLD).append([crossing(1), crossing(1)])
    box.close()
    database = sqlite3.connect(box.path)
    rows = database.execute("SELECT topic, content_type, user_properties, payload FROM message").fetchall()
    database.close()
    assert {row[:3] for row in rows} == {("", SEALED, b"")}
    assert rows[0][3][8:40] != rows[1][3][8:40]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_key_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The message says what to type."""
    path = tmp_path / "spool.key"
    rotate_keys(path, lambda _: True)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=rf"others can use it \(mode {mode:04o}\); type `chmod 600 "):
        read_keys(path)


@pytest.mark.parametrize("content", ["", "# nothing\n", "abc\n", "zz" * 32, "00" * 31])
def test_file_without_a_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    """Nothing of what stands there is repeated."""
    path = tmp_path / "spool.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as raised:
        read_keys(path)
    assert not content.strip() or content.strip() not in str(raised.value)


def test_missing_key_file_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    """A box does not make a key by itself: a lost one would go unnoticed."""
    with pytest.raises(KeyFileError, match="put the copy back, or make a first key with `winnow spool rotate-key`"):
        read_keys(tmp_path / "spool.key")


def test_rotation_keeps_the_last_key_and_those_still_needed(tmp_path: Path) -> None:
    """The file holds the new one first."""
    path = tmp_path / "spool.key"
    (first,) = rotate_keys(path, lambda _: False)
    second = rotate_keys(path, lambda _: False)
    assert second[1:] == [first]
    third = rotate_keys(path, lambda key: key == first)
    assert third[1:] == second
    fourth = rotate_keys(path, lambda _: False)
    assert fourth[1:] == third[:1]
    assert read_keys(path) == fourth
    assert fourth[0].secret.hex() not in repr(fourth)
