"""Many messages in one PUBLISH: JSON compressed with zstd and a dictionary, images behind it as they are.

    4 bytes   length of the compressed part, big-endian
    n bytes   one zstd frame: a JSON array with one object a message, in order
    the rest  the JPEGs of those that are thumbnails, one behind the other

An event's object is the CloudEvent of the `events` topic. A thumbnail's holds its attributes and `size`, the length of
its JPEG. The dictionary's number is in the zstd frame. Taken apart, a batch is the messages that it was made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import zstandard
from msgspec import Meta, Raw, Struct

from winnow.events.attributes import attributes_of
from winnow.events.errors import ContractError
from winnow.events.event import Sequence as SequenceNumber
from winnow.events.limits import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_BATCH_TEXT_BYTES
from winnow.events.mqtt import EVENT_CONTENT_TYPE, THUMBNAIL_CONTENT_TYPE, MqttMessage, is_epoch
from winnow.events.names import parse_source
from winnow.events.thumbnail import Thumbnail
from winnow.events.topics import batch_topic, events_topic, parse_upward_topic, thumbnails_topic

DICTIONARY_NUMBERS: Final = (1,)
"""What a decoder knows; an encoder takes the last one."""

LEVEL: Final = 12
"""Less room than level 9 by a twentieth; levels above it take none off and three times as long."""

_LENGTH_BYTES: Final = 4
_SIZE: Final = "size"


def dictionary_path(number: int) -> Path:
    """Return where a dictionary lies."""
    return Path(__file__).parent / "dictionaries" / f"batch-{number}.zdict"


class _Item(Struct, frozen=True, kw_only=True):
    """What tells where an item belongs; everything else is checked as if it had come alone."""

    source: str = ""
    epoch: str = ""
    sequence: int | str = ""
    size: int | None = None


class _Place(Struct, frozen=True, kw_only=True, gc=False):
    """What a receipt needs to know of an item, and what the images are cut by."""

    epoch: str
    sequence: SequenceNumber
    size: Annotated[int, Meta(ge=0)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBatch:
    """A batch, and what each message takes of it.

    Attributes:
        message: the PUBLISH.
        text_bytes: length of each message's JSON, in order.
        image_bytes: length of each message's image; 0 for an event.
    """

    message: MqttMessage
    text_bytes: tuple[int, ...]
    image_bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBatch:
    """What a batch holds, as it came.

    Attributes:
        node: whose topic it came on.
        text: the JSON of all messages.
        items: the JSON of each message, in order.
        images: the JPEGs of those that are thumbnails, one behind the other.
    """

    node: str
    text: bytes
    items: list[Raw]
    images: bytes


def thumbnail_item(thumbnail: Thumbnail) -> bytes:
    """Return what stands for a thumbnail in a batch's JSON."""
    return _image_item(attributes_of(thumbnail).items(), len(thumbnail.jpeg))


class BatchPacker:
    """Makes batches; one thread uses it."""

    def __init__(self) -> None:
        dictionary = _load(DICTIONARY_NUMBERS[-1])
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary, write_checksum=False)

    def pack(self, node: str, messages: Sequence[MqttMessage]) -> PackedBatch:
        """Return the batch of a node's messages, which are on its `events` and `thumbnails` topics."""
        items: list[bytes] = []
        images: list[bytes] = []
        for one in messages:
            is_image = one.content_type == THUMBNAIL_CONTENT_TYPE
            items.append(_image_item(one.user_properties, len(one.payload)) if is_image else one.payload)
            images.append(one.payload if is_image else b"")
        text = self._compressor.compress(b"[" + b",".join(items) + b"]")
        payload = b"".join((len(text).to_bytes(_LENGTH_BYTES, "big"), text, *images))
        return PackedBatch(
            message=MqttMessage(topic=batch_topic(node), payload=payload, content_type="", user_properties=()),
            text_bytes=tuple(map(len, items)),
            image_bytes=tuple(map(len, images)),
        )


class BatchReader:
    """Takes batches apart; one thread uses it."""

    def __init__(self) -> None:
        self._decompressors = {number: zstandard.ZstdDecompressor(_load(number)) for number in DICTIONARY_NUMBERS}

    def messages_of(self, topic: str, payload: bytes) -> list[MqttMessage]:
        """Return the messages of a batch as if each had come on its own topic; none of them is checked yet.

        Raises:
            ContractError: too large, not a batch, or not from where its topic says.
        """
        opened = self.open(topic, payload)
        messages: list[MqttMessage] = []
        images = opened.images
        for item in opened.items:
            message, used = message_of_item(opened.node, bytes(item), images)
            messages.append(message)
            images = images[used:]
        if images:
            raise left_over(images)
        return messages

    def places(self, opened: OpenedBatch) -> tuple[str, tuple[int, ...]] | None:
        """Return the epoch of a batch and the sequence of each message, without a look at anything else.

        None if it has to be looked at message by message: there is none, one does not tell its place, they are of two
        epochs, or the images are not those that the thumbnails name.
        """
        try:
            places = msgspec.json.decode(opened.text, type=list[_Place], strict=False)  # a thumbnail's are texts
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        epochs = {place.epoch for place in places}
        if len(epochs) != 1 or sum(place.size for place in places) != len(opened.images):
            return None
        epoch = epochs.pop()
        return (epoch, tuple([place.sequence for place in places])) if is_epoch(epoch) else None

    def open(self, topic: str, payload: bytes) -> OpenedBatch:
        """Return what a batch holds; none of its items is looked at yet.

        Raises:
            ContractError: too large, not a batch, or not from where its topic says.
        """
        node, stream, _ = parse_upward_topic(topic)
        if stream != "batch":
            raise ContractError("schema", f"a batch on {topic}")
        if len(payload) > MAX_BATCH_BYTES:
            raise ContractError("size", f"batch of {len(payload)} bytes; {MAX_BATCH_BYTES} are allowed")
        length = int.from_bytes(payload[:_LENGTH_BYTES], "big")
        text = self._text(payload[_LENGTH_BYTES : _LENGTH_BYTES + length])
        return OpenedBatch(node=node, text=text, items=_items(text), images=payload[_LENGTH_BYTES + length :])

    def _text(self, compressed: bytes) -> bytes:
        """Return the JSON, never more than the limit whatever the frame claims."""
        try:
            frame = zstandard.get_frame_parameters(compressed)
            decompressor = self._decompressors.get(frame.dict_id)
            if decompressor is None:
                raise ContractError("schema", f"batch: dictionary {frame.dict_id} is not known; update this end")
            if frame.content_size > MAX_BATCH_TEXT_BYTES:
                raise ContractError("size", f"batch: {MAX_BATCH_TEXT_BYTES} bytes of JSON are allowed")
            return decompressor.decompress(compressed, max_output_size=MAX_BATCH_TEXT_BYTES, allow_extra_data=False)
        except zstandard.ZstdError as exc:
            raise ContractError("schema", f"batch: {exc}") from exc


def _load(number: int) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(dictionary_path(number).read_bytes())


def _image_item(attributes: Any, size_bytes: int) -> bytes:
    return msgspec.json.encode(dict(attributes) | {_SIZE: size_bytes})


def _items(text: bytes) -> list[Raw]:
    try:
        items = msgspec.json.decode(text, type=list[Raw])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise ContractError("schema", f"batch: {exc}") from exc
    if len(items) > MAX_BATCH_MESSAGES:
        raise ContractError("size", f"batch of {len(items)} messages; {MAX_BATCH_MESSAGES} are allowed")
    return items


def _camera_of(source: str) -> str | None:
    try:
        return parse_source(source)[1]
    except ContractError:
        return None


def left_over(images: bytes) -> ContractError:
    """Return the error of a batch whose last thumbnail is followed by more bytes."""
    return ContractError("schema", f"batch: {len(images)} bytes belong to no image")


def message_of_item(node: str, item: bytes, images: bytes) -> tuple[MqttMessage, int]:
    """Return an item as the message that it was, and how many bytes of the images belong to it.

    A message that claims another node's source keeps the topic of the node that sent it.

    Raises:
        ContractError: its image is not there.
    """
    attributes: dict[str, Any] = {}
    try:
        about = msgspec.json.decode(item, type=_Item)
        if about.size is not None:
            attributes = msgspec.json.decode(item, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        about = _Item()
    camera = _camera_of(about.source)
    position = (("epoch", about.epoch), ("sequence", str(about.sequence)))
    if not 0 <= (about.size or 0) <= len(images):
        raise ContractError("schema", "batch: an image is missing")
    if about.size is None or camera is None:
        message = MqttMessage(
            topic=events_topic(node, camera), payload=item, content_type=EVENT_CONTENT_TYPE, user_properties=position
        )
        return message, about.size or 0
    message = MqttMessage(
        topic=thumbnails_topic(node, camera),
        payload=images[: about.size],
        content_type=THUMBNAIL_CONTENT_TYPE,
        user_properties=tuple((name, str(text)) for name, text in attributes.items() if name != _SIZE),
    )
    return message, about.size
