"""One picture out of the bytes of an image file, whatever program has written it; the only place that decodes images.

In: bytes of a file and its name for sentences. Out: bytes `channel x height x width`, RGB or RGBA, upright. Files come
from anywhere, so nothing in them is believed: sizes are limited before pixels are unpacked, and whatever a decoder
raises becomes a sentence with the name of the file.
"""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
import torch
from torch import Tensor

from gpproxy.errors import ImageError
from gpproxy.images.image_set import Size, cropped, resize

#: Largest file in bytes, and largest picture in pixels, that are read.
LARGEST_FILE, LARGEST_PICTURE = 2**29, 2**26

#: What is decoded, whatever a file is called; Pillow knows more, some of it by starting other programs (EPS).
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
MODES = {3: "RGB", 4: "RGBA"}
_PNG = b"\x89PNG\r\n\x1a\n"
#: Chunks of a PNG that hold text; programs keep whole workflows there, which Pillow takes for an attack.
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
#: The text that may hold the camera's orientation; never compressed, where programs follow the rules.
_XMP = b"XML:com.adobe.xmp\0\0"


def decode(content: bytes, label: str, channels: int = 3) -> Tensor:
    """The picture in a file: uint8 `channel x height x width`, contiguous.

    The camera's orientation is applied. 16 bits of grey become 8 (0 to 65,535 as 0 to 255, rounded; of 16-bit colours
    Pillow keeps the high byte), palettes their colours, 1 bit black and white; of several frames the first is read.
    Three channels drop the transparency, four keep it, opaque where the file has none.

    Args:
        content: of the file.
        label: what the file is called in sentences.
        channels: 3 for RGB, 4 for RGBA.

    Raises ImageError for a file that no decoder takes, that ends too early, that is too large, and for numbers without
    a known range (32 bits, floats).
    """
    from PIL import Image, ImageOps

    if len(content) > LARGEST_FILE:
        raise ImageError(too_large(label, len(content)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels we ask ourselves, and of odd metadata nobody needs to know
            with Image.open(io.BytesIO(_without_texts(content)), formats=FORMATS) as image:
                if image.width * image.height > LARGEST_PICTURE:
                    raise ImageError(
                        f"A picture has at most {LARGEST_PICTURE:,} pixels, but {label} has {image.width:,} x "
                        f"{image.height:,}. Make it smaller, or remove it."
                    )
                image.load()
                # The copy that is turned upright does not know its format.
                upright = _to_bytes(ImageOps.exif_transpose(image), image.format, label)
                pixels = np.asarray(upright.convert(MODES[channels]))
    except ImageError:
        raise
    except Exception as error:  # decoders raise whatever a broken file leads them to
        raise ImageError(
            f"The image {label} cannot be read: {str(error) or type(error).__name__}. Remove or repair it."
        ) from error
    return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))


def fitted(picture: Tensor, size: Size | None) -> Tensor:
    """The middle of a picture, as large as its sides allow: uint8 `channel x height x width`.

    Args:
        picture: uint8 `channel x height x width`.
        size: height and width of the result, whose proportions the middle has; None takes the middle square as it is.
    """
    middle = cropped(picture[None], size or (1, 1))
    return (middle if size is None else resize(middle, size))[0].contiguous()


def too_large(label: str, count: int) -> str:
    """The sentence on a file with too many bytes."""
    return f"An image file has at most {LARGEST_FILE:,} bytes, but {label} has {count:,}. Remove it."


def _to_bytes(image, kind: str | None, label: str):  # type: ignore[no-untyped-def]  # Pillow is imported where it is used
    """The image with 8 bits per channel."""
    from PIL import Image

    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("PNG", "PPM")):
        numbers = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((numbers + 128) // 257).clip(0, 255).astype(np.uint8))
    if image.mode.startswith(("I", "F")):
        raise ImageError(
            f"Images have 8 or 16 bits per channel, but {label} has mode {image.mode}, whose darkest and brightest "
            "numbers are not known. Convert it."
        )
    return image


def _without_texts(content: bytes) -> bytes:
    """A PNG without its texts, of which long ones are refused by Pillow; other files, and broken ones, as they are."""
    if not content.startswith(_PNG):
        return content
    kept, place = [_PNG], len(_PNG)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if kind not in _TEXTS or content.startswith(_XMP, place + 8):
            kept.append(content[place:end])
        place = end
    return b"".join([*kept, content[place:]])
