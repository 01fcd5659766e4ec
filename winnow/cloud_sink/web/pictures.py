"""Pictures as browsers get them: decoded here and encoded anew, so that nothing travels but pixels.

What a node sends may be a JPEG and something else as well: a program behind the end marker, hidden data in comments or
metadata, a file that another kind of parser takes for its own. Of the pixels nothing else is left. Its size was read
from the header when it was stored, so decoding it costs at most what its 640 pixels a side cost.
"""

from io import BytesIO
from typing import Final

from PIL import Image

from winnow.events import ContractError
from winnow.events.jpeg import jpeg_size
from winnow.events.limits import MAX_THUMBNAIL_SIDE_PX

QUALITY: Final = 88
"""Above the 80 or so that nodes use: what was lost there is not lost again."""


class PictureError(Exception):
    """The picture cannot be decoded, or is larger than any that a node may send."""


def encoded_anew(jpeg: bytes) -> bytes:
    """Return a JPEG with the same pixels, as near as JPEG allows, and nothing else.

    Raises:
        PictureError: it cannot be decoded, or is too large.
    """
    try:
        if max(jpeg_size(jpeg)) > MAX_THUMBNAIL_SIDE_PX:
            raise PictureError("the picture is larger than nodes may send")
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
            if max(picture.size) > MAX_THUMBNAIL_SIDE_PX:
                raise PictureError("the picture is larger than nodes may send")
            pixels = picture.convert("RGB")
        target = BytesIO()
        Image.frombytes("RGB", pixels.size, pixels.tobytes()).save(target, "JPEG", quality=QUALITY)
    except (ContractError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise PictureError("the picture cannot be decoded") from exc
    return target.getvalue()
