"""Images on their way into a model: checked, scaled, and boxes scaled back."""

from dataclasses import dataclass
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import ImageInput
from winnow.detectors.errors import ImageError

CHANNELS: Final = 3

Number = TypeVar("Number", np.uint8, np.float32)


def check_image(image: NDArray[np.uint8]) -> None:
    """Do nothing for an image that can be searched.

    Raises:
        ImageError: not uint8 (H, W, 3), or without pixels.
    """
    if image.dtype != np.uint8 or image.ndim != CHANNELS or image.shape[2] != CHANNELS or image.size == 0:
        raise ImageError(f"image is {image.dtype} {image.shape}; give uint8 (height, width, 3), BGR, with pixels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an image lies in the model's input: input pixel = source pixel x scale + offset.

    Attributes:
        scale_x, scale_y: input pixels for one source pixel.
        offset_x, offset_y: input pixel of the image's left upper corner.
        width, height: size of the source image.
    """

    scale_x: float
    scale_y: float
    offset_x: int
    offset_y: int
    width: int
    height: int

    def to_source(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return boxes (N, 4), given in input pixels, in pixels of the source image, cut at its borders."""
        offsets = np.array([self.offset_x, self.offset_y] * 2, np.float32)
        scales = np.array([self.scale_x, self.scale_y] * 2, np.float32)
        limits = np.array([self.width, self.height] * 2, np.float32)
        boxes: NDArray[np.float32] = np.clip((boxes_xyxy - offsets) / scales, np.float32(0), limits)
        return boxes


def place_image(width: int, height: int, spec: ImageInput) -> tuple[Placement, tuple[int, int]]:
    """Return where an image of this size lies in the input, and its width and height there."""
    if spec.fit == "stretch":
        inner = (spec.width, spec.height)
    else:
        scale = min(spec.width / width, spec.height / height)
        inner = (max(1, min(spec.width, round(width * scale))), max(1, min(spec.height, round(height * scale))))
    return Placement(
        scale_x=inner[0] / width,
        scale_y=inner[1] / height,
        offset_x=(spec.width - inner[0]) // 2,
        offset_y=(spec.height - inner[1]) // 2,
        width=width,
        height=height,
    ), inner


def fit_image(image: NDArray[np.uint8], spec: ImageInput, canvas: NDArray[np.uint8]) -> Placement:
    """Fill `canvas` (height, width, 3) with the image as the model wants to see it, BGR; return where it lies."""
    placement, (width, height) = place_image(image.shape[1], image.shape[0], spec)
    left, top = placement.offset_x, placement.offset_y
    if (width, height) != (spec.width, spec.height):
        canvas[:] = spec.fill
    target = canvas[top : top + height, left : left + width]
    if image.shape == target.shape:
        target[:] = image
    else:
        cv2.resize(image, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)
    return placement


def pack_input(canvases: NDArray[np.uint8], spec: ImageInput) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Return canvases (N, height, width, 3) as the session's input: channel order, numbers and layout of the card.

    The result may share the canvases' memory.
    """
    pixels = canvases if spec.channels == "bgr" else canvases[..., ::-1]
    if spec.dtype == "uint8":
        return _with_layout(pixels, spec)
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    return _with_layout((pixels.astype(np.float32) - mean) / std, spec)


def _with_layout(pixels: NDArray[Number], spec: ImageInput) -> NDArray[Number]:
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2) if spec.layout == "nchw" else pixels)
