"""What can be wrong with a source, grouped by what the caller does next.

Errors:
    SourceError
        SourceNotAllowedError    not a kind of address that may be opened: correct it
        SourceNotFoundError      nothing is there: correct the path
        SourceNotVideoError      something else than video is there: give another file
        SourceDamagedError       a video, but no frame comes out of it: get another copy
        SourceUnreachableError   it does not answer or may not be read: try again later, or look at the camera
        DecoderDiedError         its decoder crashed, hung, or wanted too much memory: start another one
"""


class SourceError(Exception):
    """No frame comes from this source; the message says what to do.

    Attributes:
        source: the source's description, free of credentials.
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source


class SourceNotAllowedError(SourceError):
    """The address is of a kind that is never opened."""


class SourceNotFoundError(SourceError):
    """Nothing is there."""


class SourceNotVideoError(SourceError):
    """What is there is not video that can be decoded."""


class SourceDamagedError(SourceError):
    """It is a video, but not one frame can be had from it."""


class SourceUnreachableError(SourceError):
    """The camera, server or device does not answer, or may not be read."""


class DecoderDiedError(SourceError):
    """The process that decodes it is gone; other sources are not touched."""
