"""Turn a float32 detector into an integer one, fitted to real images."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

OPERATORS: Final = ("Add", "Concat", "Conv", "LeakyRelu", "MaxPool", "Resize")


class _Inputs(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime carries no types
    def __init__(self, name: str, images: Iterable[NDArray[np.uint8]]) -> None:
        self._images: Iterator[NDArray[np.uint8]] = iter(images)
        self._name = name

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        image = next(self._images, None)
        return None if image is None else {self._name: image}


def quantise(
    model: onnx.ModelProto, images: Iterable[NDArray[np.uint8]], *, pixels: str, zero_point: int
) -> onnx.ModelProto:
    """Return the model with 8-bit weights (signed, a scale per channel) and activations (unsigned, a scale per tensor).

    Unsigned activations times signed weights is what the VNNI instructions of x86 multiply; with both signed,
    onnxruntime leaves most convolutions in float32.

    Args:
        model: float32, its image input uint8.
        images: inputs of the session to fit the scales to.
        pixels: the tensor that holds the image as float32; its scale stays 1, so that the image is used as it is.
        zero_point: the pixel value that is 0 in `pixels`.
    """
    source = model.graph.input[0].name
    fixed = {"scale": np.array(1, np.float32), "zero_point": np.array(zero_point, np.uint8)}
    with TemporaryDirectory() as folder:
        before, after = Path(folder, "float.onnx"), Path(folder, "integer.onnx")
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            _Inputs(source, images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"TensorQuantOverrides": {pixels: [fixed]}},
        )
        return onnx.load(after)
