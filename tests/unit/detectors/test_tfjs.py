"""A TensorFlow.js graph is read with the numbers it was stored with."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from winnow.detectors.building.tfjs import read_tfjs
from winnow.detectors.errors import ModelBuildError


def document(weights: list[dict[str, Any]]) -> bytes:
    """Return a topology with one convolution and these weights."""
    node = {
        "name": "conv",
        "op": "Conv2D",
        "input": ["x", "w"],
        "attr": {
            "padding": {"s": base64.b64encode(b"VALID").decode()},
            "strides": {"list": {"i": ["1", "2", "2", "1"]}},
            "alpha": {"f": 0.1},
            "half_pixel_centers": {"b": True},
        },
    }
    return json.dumps({"modelTopology": {"node": [node]}, "weightsManifest": [{"weights": weights}]}).encode()


def test_half_precision_weights_become_float32() -> None:
    """Each constant has its own shape and type, and lies where the one before it ends."""
    weights: list[dict[str, Any]] = [
        {"name": "w", "shape": [2, 1], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "n", "shape": [], "dtype": "int32"},
    ]
    data = np.array([1.5, -np.inf], "<f2").tobytes() + np.array(-7, "<i4").tobytes()
    graph = read_tfjs(document(weights), data)
    assert graph.constants["w"].dtype == np.float32
    assert graph.constants["w"].tolist() == [[1.5], [-np.inf]]
    assert graph.constants["n"].tolist() == -7


def test_attributes_are_read_by_their_kind() -> None:
    """Text is base64, integers are strings, as the format has it."""
    (node,) = read_tfjs(document([]), b"").nodes
    assert node.text("padding") == "VALID"
    assert node.integers("strides") == (1, 2, 2, 1)
    assert node.number("alpha") == 0.1
    assert node.flag("half_pixel_centers")
    assert (node.name, node.operator, node.inputs) == ("conv", "Conv2D", ("x", "w"))


@pytest.mark.parametrize(
    ("topology", "data"),
    [
        (b"not json", b""),
        (b"{}", b""),
        (document([]), b"left over"),
        (document([{"name": "w", "shape": [3], "dtype": "float32"}]), bytes(8)),
        (document([{"name": "w", "shape": [1], "dtype": "string"}]), bytes(8)),
    ],
)
def test_anything_else_is_refused(topology: bytes, data: bytes) -> None:
    """Wrong documents, bytes left over or missing, and unknown types are a build error."""
    with pytest.raises(ModelBuildError, match="TensorFlow"):
        read_tfjs(topology, data)
