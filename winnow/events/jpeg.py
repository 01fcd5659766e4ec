"""Reads a JPEG's size from its header: 631 bytes can cost a decoder 5 GB, so nothing is decoded before this."""

from typing import Final

from winnow.events.errors import ContractError

_START_OF_IMAGE: Final = b"\xff\xd8"
_END_OF_IMAGE: Final = b"\xff\xd9"
_FRAME_MARKERS: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Start-of-frame markers; 0xC4, 0xC8 and 0xCC are tables. Source: ITU-T T.81, table B.1."""
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length. Source: ITU-T T.81, B.1.1.4."""


def jpeg_size(content: bytes) -> tuple[int, int]:
    """Return width and height in pixels as the header states them; no pixel is decoded.

    Raises:
        ContractError: `content` is no complete JPEG.
    """
    if not content.startswith(_START_OF_IMAGE) or not content.endswith(_END_OF_IMAGE):
        raise ContractError("image", "thumbnail is no complete JPEG")
    position = len(_START_OF_IMAGE)
    while position + 4 <= len(content):
        if content[position] != 0xFF:  # noqa: PLR2004 - every marker starts so
            break
        marker = content[position + 1]
        if marker == 0xFF or marker in _STANDALONE:  # noqa: PLR2004 - a fill byte
            position += 1 if marker == 0xFF else 2  # noqa: PLR2004
            continue
        length = int.from_bytes(content[position + 2 : position + 4], "big")
        if marker in _FRAME_MARKERS and position + 9 <= len(content):
            height = int.from_bytes(content[position + 5 : position + 7], "big")
            width = int.from_bytes(content[position + 7 : position + 9], "big")
            return width, height
        position += 2 + length
    raise ContractError("image", "thumbnail has no JPEG frame header")
