"""Where in a frame the detector looks."""

from typing import Annotated

from pydantic import Field

from winnow.runtime.settings import Settings


class DetectionSettings(Settings):
    """Where in a frame the detector looks: around what moves and what is followed, and now and then at everything.

    Attributes:
        whole_frame_every_s: how often it looks at the whole frame while something moves or is followed; without, the
            whole frame is looked at every 10 s, or this often if that is less often.
        max_runs: runs of the model for one frame, at most, before the whole frame is shown to it instead. The whole
            frame takes one run, or two for a wide one, and one more on `whole_frame_every_s`.
    """

    whole_frame_every_s: Annotated[float, Field(ge=0.5, le=600)] = 5.0
    max_runs: Annotated[int, Field(ge=1, le=8)] = 2
