"""A picture of pixels for a page: a file in, the bytes of one of another width out, as small as a page needs it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

#: Colours of a drawing as PNG, and quality of photographs as JPEG: a page stays below a megabyte.
COLOURS, QUALITY = 64, 85


def scaled(path: Path, across: int, kind: Literal["PNG", "JPEG"] = "PNG") -> bytes:
    """A picture as the bytes of a file of a certain width; small ones grow by nearest neighbours, large ones shrink.

    Args:
        across: pixels of the new width.
        kind: PNG for drawings, JPEG for photographs.
    """
    from PIL import Image

    with Image.open(path) as image:
        picture = image.convert("RGB")
    factor = across / picture.width
    size = (across, max(round(picture.height * factor), 1))
    picture = picture.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    if kind == "JPEG":
        picture.save(stream, "JPEG", quality=QUALITY)
    else:
        picture.quantize(COLOURS).save(stream, "PNG", optimize=True)
    return stream.getvalue()
