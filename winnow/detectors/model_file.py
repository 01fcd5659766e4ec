"""Read a model file as something hostile: bounded, checked against its card, and looked through before it is run.

The look-through walks the protocol-buffer bytes itself, because an edge box has no `onnx` package, and because
onnxruntime would open the files that a model names as its external data.

Source of the field numbers: onnx/onnx, `onnx.proto`.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from winnow.detectors.card import ModelCard
from winnow.detectors.errors import (
    ExternalDataError,
    ModelChecksumError,
    ModelMalformedError,
    ModelNotFoundError,
    ModelShapeError,
    ModelTooLargeError,
    OperatorDomainError,
)

MAX_MODEL_BYTES: Final = 256 * 1024 * 1024
MAX_TENSOR_ELEMENTS: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 32
"""Messages inside messages; a real model needs 6, and 3 more for each body of a loop or a branch."""
KNOWN_DOMAINS: Final = frozenset({"", "ai.onnx", "com.microsoft"})

NESTED: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 8: "opset", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
DOMAIN_FIELDS: Final[Mapping[str, int]] = {"opset": 1, "node": 7}
TENSOR_DIMS, TENSOR_NAME, TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 1, 8, 13, 14

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BITS: Final = 64

Fields = list[tuple[int, int | memoryview]]


def read_model(path: Path, card: ModelCard) -> bytes:
    """Return the bytes of the model file, which are those that the card describes.

    Raises:
        ModelNotFoundError: the file cannot be read.
        ModelTooLargeError: over 256 MiB.
        ModelChecksumError: not the file that the card describes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MODEL_BYTES + 1)
        size_bytes = path.stat().st_size
    except OSError as exc:
        raise ModelNotFoundError(f"{path}: {exc.strerror}; put the model file beside its card") from exc
    if len(data) > MAX_MODEL_BYTES:
        raise ModelTooLargeError(str(path), size_bytes, MAX_MODEL_BYTES)
    actual = hashlib.sha256(data).hexdigest()
    if actual != card.sha256:
        raise ModelChecksumError(str(path), card.sha256, actual)
    return data


def inspect_model(name: str, data: bytes) -> None:
    """Do nothing for bytes that are an ONNX model, complete in themselves, made of known operators.

    Raises:
        ModelMalformedError: not an ONNX model.
        ExternalDataError: a tensor is kept in another file.
        OperatorDomainError: an operator is from an unknown domain.
        ModelShapeError: a tensor has more than 64 Mi elements.
    """
    open_messages: list[tuple[str, memoryview, int]] = [("model", memoryview(data), 0)]
    seen: set[str] = set()
    try:
        while open_messages:
            kind, message, depth = open_messages.pop()
            fields = list(_fields(message, depth))
            _check_message(name, kind, fields)
            seen.add(kind)
            nested = NESTED.get(kind, {})
            for number, value in fields:
                if number in nested:
                    open_messages.append((nested[number], _message(value), depth + 1))
    except ValueError as exc:
        raise ModelMalformedError(f"{name}: not an ONNX model ({exc}); export it again") from exc
    if not {"graph", "node", "opset"} <= seen:
        raise ModelMalformedError(f"{name}: not an ONNX model (no graph in it); export it again")


def _check_message(name: str, kind: str, fields: Fields) -> None:
    if kind in DOMAIN_FIELDS:
        for number, value in fields:
            if number == DOMAIN_FIELDS[kind]:
                _check_domain(name, bytes(_message(value)).decode())
    if kind == "tensor":
        _check_tensor(name, fields)


def _check_domain(name: str, domain: str) -> None:
    if domain not in KNOWN_DOMAINS:
        raise OperatorDomainError(name, domain, ", ".join(sorted(repr(known) for known in KNOWN_DOMAINS)))


def _check_tensor(name: str, fields: Fields) -> None:
    dims: list[int] = []
    tensor, is_external = "", False
    for number, value in fields:
        if number == TENSOR_DIMS:
            dims.extend([value] if isinstance(value, int) else _varints(value))
        elif number == TENSOR_NAME:
            tensor = bytes(_message(value)).decode()
        elif number == TENSOR_EXTERNAL_DATA or (number == TENSOR_DATA_LOCATION and value != 0):
            is_external = True
    if is_external:
        raise ExternalDataError(name, tensor)
    if math.prod(dims) > MAX_TENSOR_ELEMENTS:
        raise ModelShapeError(f"{name}: tensor {tensor!r} of shape {dims} is too large; use a smaller model")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")  # noqa: TRY004 - about bytes, not about types
    return value


def _fields(message: memoryview, depth: int) -> Iterator[tuple[int, int | memoryview]]:
    """Yield field number and value of each field: an integer, or the bytes of anything else."""
    if depth > MAX_DEPTH:
        raise ValueError(f"messages nested over {MAX_DEPTH} deep")
    offset = 0
    while offset < len(message):
        key, offset = _varint(message, offset)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, offset = _varint(message, offset)
            yield number, value
            continue
        if wire_type == LENGTH:
            size, offset = _varint(message, offset)
        elif wire_type in (FIXED32, FIXED64):
            size = 4 if wire_type == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire_type}")
        if offset + size > len(message):
            raise ValueError("cut off")
        yield number, message[offset : offset + size]
        offset += size


def _varints(packed: memoryview) -> Iterator[int]:
    offset = 0
    while offset < len(packed):
        value, offset = _varint(packed, offset)
        yield value


def _varint(message: memoryview, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, MAX_VARINT_BITS + 6, 7):
        if offset >= len(message):
            raise ValueError("cut off")
        byte = message[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, offset
    raise ValueError("number too long")
