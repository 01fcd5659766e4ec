"""Where a picture differs from what the camera usually shows, told cheaply enough to ask of every sampled frame."""

from winnow.pipeline.motion.gate import GATE_HEIGHT_PX, GLOBAL_CHANGE, Motion, MotionGate
from winnow.pipeline.motion.regions import Region

__all__ = ["GATE_HEIGHT_PX", "GLOBAL_CHANGE", "Motion", "MotionGate", "Region"]
