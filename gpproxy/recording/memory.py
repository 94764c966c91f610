"""What is kept of a pass: tensors as they were at one moment, copied only when an operation is about to change them.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from torch import Tensor


class Kept:
    """A tensor as it was at one moment of a pass, copied only when an operation is about to change it in place."""

    def __init__(self, value: Tensor, copied: bool):
        self.value = value.detach().clone() if copied else value.detach()
        self.version = -1 if copied else value._version

    def protect(self) -> None:
        """To be called before its memory is written to."""
        if self.version == self.value._version:
            self.value, self.version = self.value.clone(), -1

    @property
    def torn(self) -> bool:
        """Whether something has changed it unseen."""
        return self.version not in (-1, self.value._version)


class Memory:
    """All that is kept of one pass.

    Args:
        copied: whether everything is copied at once.
    """

    def __init__(self, copied: bool):
        self.copied = copied
        self._places: dict[int, list[Kept]] = {}  # by storage
        self._kept: list[Kept] = []

    def keep(self, tensor: Tensor) -> Kept:
        """The tensor as it is now; what is kept already and has not changed is kept once."""
        place = self._places.setdefault(tensor.untyped_storage()._cdata, [])
        if not self.copied:
            for kept in place:
                value = kept.value
                if kept.version == tensor._version and value.shape == tensor.shape:
                    if value.stride() == tensor.stride() and value.storage_offset() == tensor.storage_offset():
                        return kept
        kept = Kept(tensor, self.copied)
        place.append(kept)
        self._kept.append(kept)
        return kept

    def protect(self, tensor: Tensor) -> None:
        """To be called before the memory of a tensor is written to."""
        for kept in self._places.pop(tensor.untyped_storage()._cdata, ()):
            kept.protect()

    @property
    def torn(self) -> bool:
        """Whether something that is kept was changed in a way that could not be seen coming."""
        return any(kept.torn for kept in self._kept)

    def clear(self) -> None:
        """Lets go of everything."""
        self._places.clear()
        self._kept.clear()
