"""The image files of a folder or of a zip file: which there are, and their contents.

In: the path of a folder or a zip file. Out: ImageFiles, the same for a folder and for its zip. Left out is what other
programs put beside images: hidden files and folders, such as the companions `._1.png` of macOS, and `__MACOSX`. Nothing
is unpacked to disk, and nothing outside of the folder or the zip file is read.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from torch import Tensor

from gpproxy.errors import ImageError
from gpproxy.images.picture import LARGEST_FILE, decode, too_large

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
ENDINGS = ", ".join(SUFFIXES)


@dataclass(frozen=True)
class ImageFiles:
    """Some image files of one folder or zip file.

    Attributes:
        root: the folder or the zip file.
        names: of the files, their folders included, in the order of these (`a/2.png` before `b/1.png`).
        top: folder of the zip file, or of the folder, that all names are counted from; empty for the root itself.
    """

    root: Path
    names: tuple[str, ...]
    top: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def folders(self) -> list[str]:
        """The folders at the top that have images, in alphabetical order."""
        return sorted({name.split("/")[0] for name in self.names if "/" in name})

    @property
    def label(self) -> str:
        """What the place is called in sentences."""
        return self._label("").rstrip("/")

    def below(self, folder: str) -> ImageFiles:
        """The files in a folder, named from there; none where it has no images or is not there."""
        inside = tuple(name.removeprefix(f"{folder}/") for name in self.names if name.startswith(f"{folder}/"))
        return replace(self, names=inside, top=f"{self.top}{folder}/")

    def numbered(self) -> ImageFiles:
        """The files that lie in no further folder, 2.png before 10.png."""
        return replace(self, names=tuple(sorted((n for n in self.names if "/" not in n), key=numeric_order)))

    def of(self, names: Sequence[str]) -> ImageFiles:
        """Some of the files, in the order given."""
        return replace(self, names=tuple(names))

    def pictures(self, channels: int = 3) -> Iterator[tuple[str, Tensor]]:
        """What each file is called in sentences, and its picture, uint8 `channel x height x width`, one after another.

        Raises ImageError for a file that cannot be read.
        """
        if self.root.is_dir():
            for name in self.names:
                yield (label := self._label(name)), decode(read_file(self.root / self.top / name), label, channels)
            return
        with _opened(self.root) as archive:
            for name in self.names:
                label = self._label(name)
                yield label, decode(_member(archive, self.top + name, label), label, channels)

    def _label(self, name: str) -> str:
        inside = self.top + name
        return str(self.root / inside) if self.root.is_dir() else f"{self.root}:{inside}"


def image_files(path: Path, splits: tuple[str, ...] = (), only: str = "") -> ImageFiles:
    """The image files below a folder or in a zip file.

    Args:
        path: a folder, or a file that ends in .zip.
        splits: names of folders that stand at the top; a zip file may hold them in a folder of its own.
        only: folder at the top that is looked into, instead of all.

    Raises ImageError: a path that is neither, a zip file that is broken, a link or a name that leads out of it.
    """
    if path.is_dir():
        return ImageFiles(path, tuple(sorted(_walk(path, only), key=lambda name: name.split("/"))))
    if not is_zip(path):
        raise ImageError(f"Images lie in a folder or a zip file, but {path} is neither. Give the path of one.")
    with _opened(path) as archive:
        names = sorted({info.filename for info in archive.infolist() if _taken(path, info)}, key=lambda n: n.split("/"))
    top = ""
    while True:
        firsts = {name.removeprefix(top).partition("/")[::2] for name in names}
        heads = {head for head, _ in firsts}
        if len(heads) != 1 or not all(rest for _, rest in firsts) or heads & set(splits):
            inside = tuple(name.removeprefix(top) for name in names if name.startswith(top + only))
            return ImageFiles(path, inside, top)
        top += f"{heads.pop()}/"


def is_zip(path: Path) -> bool:
    """Whether a path is a zip file by its name."""
    return path.suffix.lower() == ".zip" and path.is_file()


def is_place(path: Path) -> bool:
    """Whether images can lie there: in a folder or a zip file."""
    return path.is_dir() or is_zip(path)


def numeric_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts 2.jpg before 10.jpg."""
    parts = re.split(r"([0-9]+)", name)
    return [(len(p.lstrip("0")), p.lstrip("0")) if i % 2 else (0, p) for i, p in enumerate(parts)], name


def _is_image(parts: tuple[str, ...]) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and parts[-1].lower().endswith(SUFFIXES)


def _walk(root: Path, only: str) -> Iterator[str]:
    """Names of the images below a folder. Linked folders are walked once; a link that leads out is refused."""
    real, seen = Path(os.path.realpath(root)), set()
    waiting = [root / only] if (root / only).is_dir() else []
    if waiting and not Path(os.path.realpath(waiting[0])).is_relative_to(real):
        raise ImageError(_led_out(waiting[0], root))
    while waiting:
        folder = waiting.pop()
        inside = os.path.realpath(folder)
        if inside in seen:
            continue
        seen.add(inside)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise ImageError(
                f"The folder {folder} cannot be read: {error.strerror}. Change its permissions."
            ) from error
        for entry in entries:
            parts = Path(entry.path).relative_to(root).parts
            is_folder = entry.is_dir()
            if not _is_image(parts if not is_folder else (*parts, "x.png")):
                continue
            if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(real):
                raise ImageError(_led_out(Path(entry.path), root))
            if is_folder:
                waiting.append(Path(entry.path))
            else:
                yield "/".join(parts)


def _led_out(path: Path, root: Path) -> str:
    return (
        f"{path} is a link to {os.path.realpath(path)}, which lies outside of {root}: only what lies in the folder is "
        "read. Copy it there, or give the folder that it leads to."
    )


def _taken(path: Path, info: zipfile.ZipInfo) -> bool:
    """Whether a member of a zip file is an image. Raises ImageError for one whose name or link leads out of it."""
    parts = PurePosixPath(info.filename).parts
    if info.is_dir() or not parts or not _is_image(tuple(part for part in parts if part not in ("..", "/"))):
        return False
    if parts[0] == "/" or ".." in parts or "\\" in info.filename or ":" in parts[0]:
        raise ImageError(
            f"{path} has a member '{info.filename}', whose name leads out of the zip file: it is not what it seems. "
            "Do not use it."
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ImageError(f"{path} has a link '{info.filename}' in the place of an image. Pack the image itself.")
    return True


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # zipfile raises whatever a broken file leads it to
        raise ImageError(f"The zip file {path} cannot be read: {error}. Copy it again.") from error


def _member(archive: zipfile.ZipFile, name: str, label: str) -> bytes:
    """The content of a member, which may promise less or more than it holds."""
    size = archive.getinfo(name).file_size
    if size > LARGEST_FILE:
        raise ImageError(too_large(label, size))
    try:
        return archive.read(name)
    except Exception as error:  # a wrong checksum, an unknown compression, a password, ...
        reason = str(error) or type(error).__name__
        raise ImageError(f"The image {label} cannot be unpacked: {reason}. Pack it again.") from error


def read_file(path: Path) -> bytes:
    """The content of an image file. Raises ImageError for one that is missing, too large, or a pipe or a device, which
    may never end."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ImageError(f"{path} is no ordinary file. Remove it.")
        if found.st_size > LARGEST_FILE:
            raise ImageError(too_large(str(path), found.st_size))
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"The image {path} cannot be read: {error.strerror or error}. Remove or repair it.") from error
