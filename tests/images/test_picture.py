"""One picture out of any file: equal pixels from every format, an upright picture, and sentences for broken files."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from gpproxy.errors import ImageError
from gpproxy.images import picture
from gpproxy.images.picture import decode, fitted

HEIGHT, WIDTH = 9, 14


def pixels(seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(HEIGHT, WIDTH, channels), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, format=kind, **how)
    return data.getvalue()


def as_tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
        ("PPM", {}),
    ],
)
def test_lossless_formats_give_the_same_pixels(kind: str, how: dict[str, Any]) -> None:
    assert torch.equal(decode(saved(Image.fromarray(pixels()), kind, **how), "x"), as_tensor(pixels()))


def test_jpeg_is_near() -> None:
    smooth = np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1).repeat(3, 2).astype(np.uint8)
    found = decode(saved(Image.fromarray(smooth), "JPEG", quality=95), "x")
    assert (found.float() - as_tensor(smooth).float()).abs().mean() < 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_of_grey_are_brought_to_eight(kind: str) -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    found = decode(saved(Image.fromarray(levels), kind), "x")
    expected = torch.from_numpy((levels.astype(np.float64) / 257).round().astype(np.uint8))
    assert torch.equal(found, expected.expand(3, -1, -1))


def test_grey_palettes_single_bits_and_inks_become_colours() -> None:
    grey = Image.fromarray(pixels()[..., 0])
    assert torch.equal(decode(saved(grey, "PNG"), "x"), torch.from_numpy(pixels()[..., 0]).expand(3, -1, -1))
    few = Image.fromarray(pixels() // 128 * 255)  # eight colours
    assert torch.equal(decode(saved(few.quantize(8), "PNG"), "x"), as_tensor(np.asarray(few)))
    assert set(decode(saved(grey.convert("1"), "PNG"), "x").flatten().tolist()) == {0, 255}
    white = Image.new("CMYK", (4, 4), (0, 0, 0, 0))
    assert (decode(saved(white, "JPEG"), "x") >= 254).all()


def test_transparency_is_dropped_or_kept() -> None:
    clear = pixels(channels=4)
    content = saved(Image.fromarray(clear), "PNG")
    assert torch.equal(decode(content, "x"), as_tensor(clear[..., :3]))
    assert torch.equal(decode(content, "x", 4), as_tensor(clear))
    assert (decode(saved(Image.fromarray(pixels()), "PNG"), "x", 4)[3] == 255).all()
    keyed = Image.fromarray(pixels() // 128 * 255).quantize(8)
    found = decode(saved(keyed, "PNG", transparency=0), "x", 4)
    assert torch.equal(found[3] == 0, torch.from_numpy(np.asarray(keyed) == 0))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_camera_is_turned_upright(orientation: int, kind: str) -> None:
    """The undoing is written anew: for each number, where row and column 0 of the file lie in the scene (TIFF 6.0)."""
    flat = np.kron(np.arange(4, dtype=np.uint8).reshape(2, 2) * 60 + 20, np.ones((16, 32), np.uint8))
    undo = {1: flat, 2: flat[:, ::-1], 3: flat[::-1, ::-1], 4: flat[::-1], 5: flat.T, 6: flat.T[:, ::-1]}
    undo |= {7: flat[::-1, ::-1].T, 8: flat.T[::-1]}
    exif = Image.Exif()
    exif[0x112] = orientation
    how = {"quality": 100} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    found = decode(saved(Image.fromarray(flat).convert("RGB"), kind, exif=exif, **how), "x")
    assert (found[0].int() - torch.from_numpy(undo[orientation].astype(np.int32))).abs().max() <= 2


@pytest.mark.parametrize("compressed", [False, True])
def test_long_texts_in_a_png_are_no_matter(compressed: bool) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 80_000_000 if not compressed else "x" * 3_000_000, zip=compressed)
    info.add_itxt("prompt", "y" * 3_000_000, zip=True)
    info.add_itxt("XML:com.adobe.xmp", "z" * 3_000_000, zip=True)
    assert torch.equal(decode(saved(Image.fromarray(pixels()), "PNG", pnginfo=info), "x"), as_tensor(pixels()))


def test_an_orientation_in_xmp_is_kept() -> None:
    info = PngImagePlugin.PngInfo()
    tag = '<r xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="3"/>'
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{tag}</x:xmpmeta>'
    info.add_itxt("XML:com.adobe.xmp", packet)
    found = decode(saved(Image.fromarray(pixels()), "PNG", pnginfo=info), "x")
    assert torch.equal(found, as_tensor(pixels()[::-1, ::-1]))


def test_the_first_of_several_frames_is_read() -> None:
    frames = [Image.fromarray(pixels(seed)) for seed in range(3)]
    for kind in ("TIFF", "PNG"):
        content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert torch.equal(decode(content, "x"), as_tensor(pixels()))


def test_other_formats_are_not_decoded_whatever_they_are_called() -> None:
    for kind in ("EPS", "PCX", "TGA"):
        with pytest.raises(ImageError, match=r"a\.png cannot be read"):
            decode(saved(Image.fromarray(pixels()), kind), "a.png")


def test_numbers_of_an_unknown_range_are_refused() -> None:
    for mode in ("I", "F"):
        with pytest.raises(ImageError, match=f"8 or 16 bits per channel, but somewhere has mode {mode}"):
            decode(saved(Image.new(mode, (8, 8)), "TIFF"), "somewhere")


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that unpacks to `side * side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    data = b"".join([rows.compress(bytes(1 + side // 8)) for _ in range(side)]) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_what_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for side in (8_200, 80_000):
        content = bomb(side) if side < 10_000 else bomb(8)[:16] + struct.pack(">II", side, side) + bomb(8)[24:]
        assert len(content) < 100_000
        with pytest.raises(ImageError, match="x cannot be read|at most 67,108,864 pixels, but x has"):
            decode(content, "x")
    monkeypatch.setattr(picture, "LARGEST_FILE", 10)
    with pytest.raises(ImageError, match="at most 10 bytes, but x has 68"):
        decode(bomb(8), "x")


CONTENTS = {
    kind: saved(Image.fromarray(pixels()), kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM")
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_file_that_ends_too_early_is_refused(kind: str) -> None:
    content = CONTENTS[kind]
    for part in (0, 5, len(content) // 3):
        with pytest.raises(ImageError, match="The image some.png cannot be read: .*Remove or repair it"):
            decode(content[:part], "some.png")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(CONTENTS)), st.data())
def test_a_damaged_file_is_read_or_refused_in_a_sentence(kind: str, data: st.DataObject) -> None:
    content = bytearray(CONTENTS[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    try:
        found = decode(bytes(content), "some.png")
    except ImageError as error:
        assert "some.png" in str(error)
    else:
        assert found.dtype == torch.uint8 and found.ndim == 3 and len(found) == 3


@pytest.mark.parametrize(
    ("size", "expected"), [(None, (9, 9)), ((4, 4), (4, 4)), ((3, 14), (3, 14)), ((18, 28), (18, 28))]
)
def test_pictures_are_fitted(size: tuple[int, int] | None, expected: tuple[int, int]) -> None:
    assert fitted(as_tensor(pixels()), size).shape == (3, *expected)
