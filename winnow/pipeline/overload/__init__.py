"""What a camera gives up when the box cannot keep up with it."""

from winnow.pipeline.overload.ladder import RUNGS, Ladder, Rung
from winnow.pipeline.overload.relief import LadderRelief, NoRelief, Relief

__all__ = ["RUNGS", "Ladder", "LadderRelief", "NoRelief", "Relief", "Rung"]
