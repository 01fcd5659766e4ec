"""Winnow's decoding and motion gate on a file: `look CLIP FPS [fast]`."""

import sys

from benchmarks.harness.cost import costing
from winnow.pipeline.motion import MotionGate
from winnow.pipeline.settings import MotionSettings
from winnow.pipeline.sources import FrameSampler, LiveSettings, open_source
from winnow.runtime.clock import SystemClock


def main() -> None:
    """Look at every frame of the sampler's grid."""
    path, fps, *decoding = sys.argv[1:]
    said = {"frames": 0, "analysed": 0, "moving": 0}
    with costing(said):
        gate, sampler = MotionGate(MotionSettings()), FrameSampler(float(fps))
        with open_source(path, clock=SystemClock(), live=LiveSettings(fast_decoding=bool(decoding))) as source:
            while (frame := source.read()) is not None:
                said["frames"] += 1
                if sampler.takes(frame.stream_s):
                    said["analysed"] += 1
                    said["moving"] += bool(gate.update(frame.luma()).regions)


if __name__ == "__main__":
    main()
