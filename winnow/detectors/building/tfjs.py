"""Read TensorFlow.js graph models: nodes from JSON, numbers from the binary file beside it.

Source of the format: tfjs-converter, `docs/` and `src/operations/`, and TensorFlow's `node_def.proto`.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.errors import ModelBuildError

STORED_TYPES: Final[Mapping[str, str]] = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}

Json = Mapping[str, "Json"] | list["Json"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TfNode:
    """One operation of the graph.

    Attributes:
        operator: TensorFlow's name, such as `Conv2D`.
        inputs: names of nodes, with `:1` and so on for another output than the first.
        attributes: TensorFlow's attributes, still in JSON's shape.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Json]

    def text(self, key: str) -> str:
        """Return an attribute kept as base64 of ASCII."""
        return b64decode(self._field(key, "s")).decode("ascii")

    def number(self, key: str) -> float:
        """Return a float attribute."""
        return float(self._field(key, "f"))

    def flag(self, key: str) -> bool:
        """Return a boolean attribute."""
        return bool(self._field(key, "b"))

    def integers(self, key: str) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        listed = cast("Mapping[str, list[str]]", cast("Mapping[str, Json]", self.attributes[key])["list"])
        return tuple(int(item) for item in listed["i"])

    def _field(self, key: str, kind: str) -> str:
        return cast("Mapping[str, str]", self.attributes[key])[kind]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TfGraph:
    """A graph model: its operations in the order of the file, and its constants by node name."""

    nodes: tuple[TfNode, ...]
    constants: Mapping[str, NDArray[np.generic]]


def read_tfjs(topology: bytes, weights: bytes) -> TfGraph:
    """Return the graph kept in a `model.json` and the one `.bin` that belongs to it.

    Raises:
        ModelBuildError: not a graph model, an unknown storage type, or too few or too many bytes of weights.
    """
    try:
        document = json.loads(topology)
        listed = document["modelTopology"]["node"]
        entries = [entry for group in document["weightsManifest"] for entry in group["weights"]]
        nodes = tuple(_read_node(node) for node in listed)
        return TfGraph(nodes=nodes, constants=_read_constants(entries, weights))
    except (ValueError, KeyError, TypeError) as exc:
        raise ModelBuildError(f"not a TensorFlow.js graph model: {exc!r}; give the files of the package") from exc


def _read_node(node: Mapping[str, Json]) -> TfNode:
    return TfNode(
        name=cast("str", node["name"]),
        operator=cast("str", node["op"]),
        inputs=tuple(cast("list[str]", node.get("input", []))),
        attributes=cast("Mapping[str, Json]", node.get("attr", {})),
    )


def _read_constants(entries: list[dict[str, Json]], weights: bytes) -> dict[str, NDArray[np.generic]]:
    constants: dict[str, NDArray[np.generic]] = {}
    offset = 0
    for entry in entries:
        shape = tuple(cast("list[int]", entry["shape"]))
        stored = np.dtype(STORED_TYPES[_stored_type(entry)])
        count = int(np.prod(shape))
        numbers = np.frombuffer(weights, stored, count, offset).reshape(shape)
        constants[cast("str", entry["name"])] = numbers.astype(cast("str", entry["dtype"]))
        offset += count * stored.itemsize
    if offset != len(weights):
        raise ValueError(f"{len(weights)} bytes of weights, {offset} described")
    return constants


def _stored_type(entry: Mapping[str, Json]) -> str:
    quantisation = cast("Mapping[str, str]", entry.get("quantization", {}))
    return quantisation.get("dtype", cast("str", entry["dtype"]))
