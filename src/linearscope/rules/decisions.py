"""What a frozen unit remembers, kept as small as it can be: one bit a gate, the smallest integer a selection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["Bits", "Integers", "Window"]


class Bits:
    """A boolean mask that can be packed to one bit an element.

    Examples
    --------
    >>> bits = Bits(torch.tensor([True, False, True]))
    >>> bits.compact(); bits.nbytes, bits.get().tolist()
    (1, [True, False, True])
    """

    def __init__(self, mask: Tensor) -> None:
        self.shape, self._mask, self._packed = mask.shape, mask, None  # type: torch.Size, Tensor | None, Tensor | None

    def get(self) -> Tensor:
        """Return the mask as a boolean tensor."""
        if self._mask is not None:
            return self._mask
        assert self._packed is not None
        count = self.shape.numel()
        if self._packed.device.type == "cpu":
            flat = torch.from_numpy(np.unpackbits(self._packed.numpy(), count=count))
        else:
            shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=self._packed.device)
            flat = ((self._packed[:, None] >> shifts) & 1).flatten()[:count]
        return flat.view(torch.bool).view(self.shape)

    def part(self, box: Sequence[tuple[int, int]]) -> Tensor:
        """Return the mask on a box, a range on each axis, without unpacking the rest."""
        if self._mask is not None:
            return self._mask[tuple(slice(*ends) for ends in box)]
        assert self._packed is not None
        *outer, (start, stop) = box
        if self.shape[-1] % 8 == 0 and self._packed.device.type == "cpu":
            rows = self._packed.view(*self.shape[:-1], -1)[tuple(slice(*ends) for ends in outer)]
            flat = np.unpackbits(rows[..., start // 8 : -(-stop // 8)].numpy(), axis=-1)
            inside = flat[..., start % 8 : start % 8 + stop - start]
            return torch.from_numpy(np.ascontiguousarray(inside)).view(torch.bool)
        place = torch.zeros((), dtype=torch.int64, device=self._packed.device)
        for (first, last), size in zip(box, self.shape, strict=True):
            place = place.unsqueeze(-1) * size + torch.arange(first, last, device=place.device)
        return ((self._packed[place >> 3] >> (7 - (place & 7)).to(torch.uint8)) & 1).view(torch.bool)

    def compact(self) -> None:
        """Pack; :meth:`get` unpacks anew at every call."""
        if self._mask is None:
            return
        flat = self._mask.reshape(-1)
        if flat.device.type == "cpu":
            self._packed = torch.from_numpy(np.packbits(flat.numpy()))
        else:
            padded = torch.nn.functional.pad(flat.to(torch.uint8), (0, -flat.numel() % 8)).view(-1, 8)
            shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=flat.device)
            self._packed = (padded << shifts).sum(1, dtype=torch.uint8)
        self._mask = None

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        held = self._packed if self._mask is None else self._mask
        assert held is not None
        return held.numel()


class Integers:
    """Selected indices in ``[0, limit)``, kept in the smallest integer type that holds them."""

    def __init__(self, indices: Tensor, limit: int) -> None:
        self._indices, self._limit = indices, limit

    @property
    def shape(self) -> torch.Size:
        """Of the indices."""
        return self._indices.shape

    def get(self) -> Tensor:
        """Return the indices as int64."""
        return self._indices.to(torch.int64)

    def compact(self) -> None:
        """Convert to uint8, int16 or int32."""
        small = torch.uint8 if self._limit <= 256 else torch.int16 if self._limit <= 32768 else torch.int32
        self._indices = self._indices.to(small)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._indices.numel() * self._indices.element_size()


class Window:
    """Indices a max pooling selected, kept as places in its window: one byte each for windows of up to 256.

    ``indices`` count through the plane that was pooled, as PyTorch returns them.
    """

    def __init__(
        self, indices: Tensor, plane: tuple[int, ...], kernel: list[int], stride: list[int], padding: list[int],
        dilation: list[int],
    ) -> None:  # fmt: skip
        self._indices: Tensor | None = indices
        self._plane, self._kernel, self._dilation = plane, kernel, dilation
        self._stride, self._padding = stride, padding
        self._starts = [
            torch.arange(size, device=indices.device) * step - pad
            for size, step, pad in zip(indices.shape[-len(plane) :], stride, padding, strict=True)
        ]
        self._codes: Integers | None = None

    @property
    def shape(self) -> torch.Size:
        """Of the indices."""
        if self._indices is not None:
            return self._indices.shape
        assert self._codes is not None
        return self._codes.shape

    def windows(self) -> list[tuple[int, int, int, int]]:
        """Kernel, stride, padding and dilation, an axis each."""
        return list(zip(self._kernel, self._stride, self._padding, self._dilation, strict=True))

    def get(self) -> Tensor:
        """Return the indices as int64, as PyTorch counts them."""
        if self._indices is not None:
            return self._indices
        assert self._codes is not None
        offsets = torch.zeros(self._kernel, dtype=torch.int64, device=self._starts[0].device)
        corner = torch.zeros((), dtype=torch.int64, device=offsets.device)
        scale = 1
        for axis in reversed(range(len(self._plane))):
            steps = torch.arange(self._kernel[axis], device=offsets.device) * self._dilation[axis]
            offsets += scale * steps.reshape(-1, *[1] * (len(self._plane) - 1 - axis))
            corner = corner + scale * self._start(axis)
            scale *= self._plane[axis]
        return offsets.flatten()[self._codes.get()] + corner

    def compact(self) -> None:
        """Keep the place in the window only."""
        if self._indices is None:
            return
        codes = torch.zeros_like(self._indices)
        rest, weight = self._indices, 1
        for axis in reversed(range(len(self._plane))):
            position = rest % self._plane[axis]
            codes += weight * ((position - self._start(axis)) // self._dilation[axis])
            rest = rest // self._plane[axis]
            weight *= self._kernel[axis]
        self._codes = Integers(codes, weight)
        self._codes.compact()
        self._indices = None

    def _start(self, axis: int) -> Tensor:
        return self._starts[axis].reshape(-1, *[1] * (len(self._plane) - 1 - axis))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return (
            self._codes.nbytes
            if self._codes is not None
            else (self._indices.numel() * 8 if self._indices is not None else 0)
        )
