"""The usual reader: FFmpeg decodes into a pipe, numpy reads frames, OpenCV tells motion.

    rawvideo CLIP SECONDS WIDTH HEIGHT METHOD

`difference` blurs and compares grey pictures, as countless tutorials do; `mog2` is OpenCV's background model. Both look
at the full picture of every frame.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike

from benchmarks.harness.cost import costing

MIN_AREA_SHARE: Final = 0.0005


def main() -> None:
    """Look at every frame."""
    path, seconds, width, height, method = sys.argv[1:]
    size = int(width), int(height)
    said = {"frames": 0, "moving": 0}
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-threads",
        "1",
        "-t",
        seconds,
        "-i",
        path,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "bgr24",
        "-",
    ]
    with costing(said), subprocess.Popen(command, stdout=subprocess.PIPE) as decoder:  # noqa: S603
        tell = _mog2() if method == "mog2" else _difference()
        length = size[0] * size[1] * 3
        while decoder.stdout is not None and len(pixels := decoder.stdout.read(length)) == length:
            said["frames"] += 1
            mask = tell(np.frombuffer(pixels, np.uint8).reshape(size[1], size[0], 3))
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            said["moving"] += any(cv2.contourArea(one) > MIN_AREA_SHARE * size[0] * size[1] for one in contours)


def _mog2() -> Callable[[MatLike], MatLike]:
    model = cv2.createBackgroundSubtractorMOG2(detectShadows=False)
    return model.apply


def _difference() -> Callable[[MatLike], MatLike]:
    last: list[MatLike] = []

    def tell(picture: MatLike) -> MatLike:
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (21, 21), 0)
        before = last.pop() if last else grey
        last.append(grey)
        changed = cv2.threshold(cv2.absdiff(before, grey), 25, 255, cv2.THRESH_BINARY)[1]
        return cv2.dilate(changed, None, iterations=2)  # type: ignore[call-overload, no-any-return]

    return tell


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
