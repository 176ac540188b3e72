"""The linear interpreter: on one image, y = F x + r, asked by products and never formed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from linearscope.errors import InputError
from linearscope.interpreter.certificate import TOLERANCE, Certificate
from linearscope.interpreter.engine import Engine, Visit
from linearscope.interpreter.indices import Index, around, by_position, impulses, places
from linearscope.interpreter.memory import Batches, available_memory
from linearscope.interpreter.plan import Plan
from linearscope.interpreter.windows import Boxes, Support, Window, Windows
from linearscope.program import Program, capture, load
from linearscope.rules import Call, LinearMap
from linearscope.rules.structure import Box, extent

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

__all__ = ["MEMORY", "LinearInterpreter", "interpret"]

T = TypeVar("T")

MEMORY = ("auto", "store", "stream")

# Windows are taken when they are less than this part of the work on whole values.
_WORTH = 0.7


def interpret(
    model: nn.Module | Program | str | os.PathLike[str],
    image: Tensor,
    *,
    interpretation: str = "freeze",
    output: str | int | None = None,
    memory: str = "auto",
    memory_budget: int | None = None,
) -> LinearInterpreter:
    """Turn a model and one image into the affine map y = F x + r that the model is on this image.

    Parameters
    ----------
    model
        A module (captured on the spot, in evaluation mode, never changed), a :class:`Program`, or the path of a
        ``.pt2`` file.
    image
        ``(1, C, H, W)`` in the model's own units, type and device. Several images ``(B, C, H, W)`` are taken as one
        input: probes then have shape ``(P, B, C, H, W)``.
    interpretation
        ``"freeze"``: units keep the decision they took. ``"freeze-deviation"``: the same, but norms keep the deviation
        only, and their mean moves. ``"taylor"``: units are expanded to first order. All give y0 exactly, and are the
        same for piecewise-linear units.
    output
        Which tensor, when the model returns several.
    memory
        ``"store"`` keeps the decisions, packed; ``"stream"`` keeps nothing and decides anew at every product;
        ``"auto"`` stores while they fit into a quarter of the memory budget.
    memory_budget
        Bytes for the lanes that travel together; default: half of what is free.

    Returns
    -------
    LinearInterpreter

    Raises
    ------
    InputError
        When the image or an option does not fit.
    CaptureError
        When the model cannot be captured.
    UnsupportedOperationError
        When the image meets an operation without a rule.
    CertificateError
        When the map does not give the output back to within rounding.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.ReLU()).double()
    >>> x = torch.rand(1, 3, 6, 6, dtype=torch.float64)
    >>> it = ls.interpret(model, x)
    >>> torch.allclose(it.matvec(x) + it.residual, model(x))
    True

    Source: Navarrete Michelini et al. 2019, eq. 2 to 6.
    """
    if isinstance(model, Program):
        if output is not None:
            raise InputError("A Program has its output already; choose output= when it is captured.")
        program = model
    elif isinstance(model, (str, os.PathLike)):
        program = load(model, image=image, output=output)
    else:
        program = capture(model, image, output=output)
    program.check(image)
    if memory not in MEMORY:
        raise InputError(f"There is no memory mode {memory!r}; there are {', '.join(map(repr, MEMORY))}.")
    if memory_budget is not None and (not isinstance(memory_budget, int) or memory_budget <= 0):
        raise InputError(f"memory_budget is {memory_budget!r}; give a positive number of bytes.")
    budget = memory_budget if memory_budget is not None else available_memory(image.device) // 2
    return LinearInterpreter(program, image.detach().clone(), program.image.index, interpretation, memory, budget)


class LinearInterpreter:
    """y = F x + r on one image. Made by :func:`interpret` or :meth:`at`.

    Attributes
    ----------
    program
        The captured model.
    image
        The image ``(1, C, H, W)``.
    point
        The value the map starts from: the image, or for :meth:`at` the layer's feature map.
    output
        y0, in the shape of the model's output.
    residual
        r, in the shape of the output: the output of a zero input with all decisions kept.
    certificate
        The measured proof.
    """

    def __init__(
        self, program: Program, image: Tensor, source: int, interpretation: str, memory: str, budget: int
    ) -> None:
        self.program, self.image = program, image
        self._memory, self._budget = memory, budget
        self.plan = Plan(program, interpretation, source)
        limit = {"store": float("inf"), "stream": -1.0, "auto": budget / 4}[memory]
        with torch.no_grad():
            self._engine = Engine(self.plan, image, limit)
        self._versions = program.versions()
        self.output, self.point = self._engine.output, self._engine.point
        # All fit the same memory; which batch goes fastest is measured for each.
        self._forward, self._backward, self._walks = (Batches(self.plan.lane_bytes(), budget) for _ in range(3))
        self.residual, self.certificate = self._certify()

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one probe: the image (or feature map) without its batch axis when that is 1."""
        return _probe_shape(self.point)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one product: the output without its batch axis when that is 1."""
        return _probe_shape(self.output)

    @property
    def shape(self) -> tuple[int, int]:
        """N and n: F has N rows, one an output number, and n columns, one an input number."""
        return prod(self.output_shape), prod(self.input_shape)

    @property
    def dtype(self) -> torch.dtype:
        """Type of probes and products."""
        return self.point.dtype

    @property
    def device(self) -> torch.device:
        """Where probes and products are."""
        return self.point.device

    @property
    def decision_bytes(self) -> int:
        """Bytes of the decisions kept; 0 when they stream."""
        return self._engine.stored_bytes

    def __repr__(self) -> str:
        rows, columns = self.shape
        errors = f"reconstruction {self.certificate.reconstruction:.0e}, adjoint {self.certificate.adjoint:.0e}"
        return f"LinearInterpreter(F: {rows} x {columns}, {self.plan.interpretation}, {errors})"

    # -- products ----------------------------------------------------------------------------------------------------

    def matvec(self, v: Tensor) -> Tensor:
        """F v for every probe of ``v`` ``(P, *input_shape)``; returns ``(P, *output_shape)``.

        Source: Navarrete Michelini et al. 2019, eq. 5; lanes travel beside the image as in Fig. 1(c).
        """
        lanes = self._lanes(v, self.point, "matvec")
        if not len(v):
            return v.new_zeros(0, *self.output_shape)
        return self._run(lanes, self._forward, self._engine.forward).reshape(len(v), *self.output_shape)

    def rmatvec(self, u: Tensor) -> Tensor:
        """F^T u for every ``u`` ``(P, *output_shape)``; returns ``(P, *input_shape)``.

        Source: Navarrete Michelini et al. 2019, eq. 6.
        """
        lanes = self._lanes(u, self.output, "rmatvec")
        if not len(u):
            return u.new_zeros(0, *self.input_shape)
        return self._run(lanes, self._backward, self._engine.backward).reshape(len(u), *self.input_shape)

    def columns(self, indices: Index | Sequence[Index] | Tensor) -> Tensor:
        """Columns of F (projective filters) as outputs ``(P, *output_shape)``.

        ``indices``: one or several flat indices into the input, or index tuples such as ``(channel, row, column)``.
        Where a column touches a part of the values only, no more than that part is computed.
        """
        return self._filters(indices, forward=True)

    def rows(self, indices: Index | Sequence[Index] | Tensor) -> Tensor:
        """Rows of F (receptive filters) as inputs ``(P, *input_shape)``; ``indices`` as in :meth:`columns`."""
        return self._filters(indices, forward=False)

    def column_windows(self, indices: Index | Sequence[Index] | Tensor) -> list[Window]:
        """Columns of F, each where it can differ from zero: its cost does not grow with the image."""
        return self._windows([[place] for place in places(indices, self.input_shape, "column")], forward=True)

    def row_windows(self, indices: Index | Sequence[Index] | Tensor) -> list[Window]:
        """Rows of F, each where it can differ from zero: its cost does not grow with the image."""
        return self._windows([[place] for place in places(indices, self.output_shape, "row")], forward=False)

    def pixel_windows(self, pixels: Sequence[tuple[int, int]], *, rows: bool = False) -> list[Window]:
        """Columns of F (or its rows) summed over the channels of pixels ``(row, column)``: one product a pixel.

        Raises
        ------
        InputError
            When that side of the map is no image ``(C, H, W)``, or has no such pixel.

        Examples
        --------
        >>> import torch, linearscope as ls
        >>> it = ls.interpret(torch.nn.Conv2d(3, 2, 3).double(), torch.rand(1, 3, 6, 6, dtype=torch.float64))
        >>> one = it.pixel_windows([(2, 3)])[0].whole()
        >>> torch.allclose(one, it.columns([(c, 2, 3) for c in range(3)]).sum(0))
        True
        """
        shape, name = (self.output_shape, "row") if rows else (self.input_shape, "column")
        if len(shape) != 3:
            raise InputError(f"The map has the shape {shape} there, which has no pixels; ask for single {name}s.")
        probes = [places([(channel, *pixel) for channel in range(shape[0])], shape, name) for pixel in pixels]
        return self._windows(probes, forward=not rows)

    def column_window(self, index: Index) -> Window:
        """One column of F where it can differ from zero."""
        return self.column_windows([index])[0]

    def row_window(self, index: Index) -> Window:
        """One row of F where it can differ from zero."""
        return self.row_windows([index])[0]

    def support(self) -> Support:
        """Where F can differ from zero whatever the image: the structural sparsity, axis by axis."""
        with torch.no_grad():
            return self._cutter.support(self.point.shape, self.output.shape)

    def walk(self, u: Tensor, visit: Callable[[Visit], Tensor | None], *, values: bool = False) -> Tensor:
        """F^T u while ``visit`` sees every node the lanes come back to, and may add to them; for analyses.

        Unlike in :meth:`rmatvec` the lanes are not split, so that ``visit`` sees each node once: callers split by
        :meth:`in_batches`.
        """
        self._unchanged()
        with torch.no_grad():
            back = self._engine.backward(self._lanes(u, self.output, "walk"), visit, values=values)
        return back.reshape(len(u), *self.input_shape)

    def run(self, v: Tensor, visit: Callable[[Call, LinearMap, list[Any]], None]) -> Tensor:
        """F v while ``visit`` sees every node on the image, its map and the lanes that come to it; for analyses."""
        self._unchanged()
        with torch.no_grad():
            product = self._engine.forward(self._lanes(v, self.point, "run"), visit=visit)
        return product.reshape(len(v), *self.output_shape)

    @torch.no_grad()  # as a decorator it holds for every step of the generator, and not between them
    def decisions(self, image: Tensor | None = None) -> Iterator[tuple[str, Tensor]]:
        """Name and decision of every switch and selection that lanes pass, on ``image`` (default: its own)."""
        self._unchanged()
        given = self.image if image is None else image
        self.program.check(given)
        yield from self._engine.decisions(given)

    def in_batches(self, count: int, work: Callable[[int, int], T]) -> Iterator[T]:
        """Call ``work(start, end)`` for as many of ``count`` lanes as memory and speed advise; yield what it returns.

        When memory runs out, ``work`` is called again for fewer.
        """
        return self._walks.each(count, work)

    def impulses(self, indices: Index | Sequence[Index] | Tensor) -> Tensor:
        """One-hot outputs ``(P, *output_shape)`` at ``indices``."""
        return impulses(places(indices, self.output_shape, "output"), self.output_shape, self.output)

    def linear_operator(self) -> LinearOperator:
        """F as a ``scipy.sparse.linalg.LinearOperator`` of shape ``(N, n)``, for ``svds``, ``lsqr`` and the like."""
        from scipy.sparse.linalg import LinearOperator

        def product(function: Callable[[Tensor], Tensor], shape: Sequence[int]) -> Callable[[Any], Any]:
            def run(array: Any) -> Any:
                columns = array.reshape(array.shape[0], -1).T
                given = torch.as_tensor(columns.copy(), dtype=self.point.dtype, device=self.point.device)
                result = function(given.reshape(-1, *shape)).flatten(1).T.cpu().numpy()
                return result.reshape(-1) if array.ndim == 1 else result

            return run

        forward, back = product(self.matvec, self.input_shape), product(self.rmatvec, self.output_shape)
        dtype = torch.empty((), dtype=self.point.dtype).numpy().dtype
        return LinearOperator(self.shape, matvec=forward, rmatvec=back, matmat=forward, rmatmat=back, dtype=dtype)

    def at(self, layer: str) -> LinearInterpreter:
        """The affine form W z + b from the output z of ``layer`` to the output, everything else frozen.

        What runs past the layer (skip connections) is part of the residual b.

        Source: Chen et al. 2019, eq. 2 to 6.
        """
        node = self.program.find(layer)
        return LinearInterpreter(
            self.program, self.image, node.index, self.plan.interpretation, self._memory, self._budget
        )

    # -- inside ------------------------------------------------------------------------------------------------------

    @cached_property
    def _cutter(self) -> Windows:
        with torch.no_grad():
            return Windows(self.plan, self._engine.forward_items())

    def _filters(self, indices: Index | Sequence[Index] | Tensor, forward: bool) -> Tensor:
        """Rows or columns in full: by windows where those are less work, else all together."""
        name, shape, like = (
            ("column", self.input_shape, self.point) if forward else ("row", self.output_shape, self.output)
        )
        at = places(indices, shape, name)
        made = self.output_shape if forward else self.input_shape
        groups = by_position(at, shape)
        if self._engine.stores and self.plan.reaches and len(groups):
            middle = list(groups)[len(groups) // 2]
            boxes = self._boxes(around([at[i] for i in groups[middle]], shape, like), forward)
            if self._cutter.work(boxes) * len(groups) < _WORTH * self._cutter.cost * len(at):
                result = like.new_zeros(len(at), *made)
                for number, window in enumerate(self._windows([[place] for place in at], forward)):
                    result[number][tuple(slice(*ends) for ends in window.box)] = window.values
                return result
        return (self.matvec if forward else self.rmatvec)(impulses(at, shape, like))

    def _boxes(self, box: Box, forward: bool) -> Boxes:
        return self._cutter.forward(box) if forward else self._cutter.backward(box)

    def _windows(self, ones: Sequence[Sequence[tuple[int, ...]]], forward: bool) -> list[Window]:
        """Products of probes that are 1 at a few channels of one pixel each."""
        self._unchanged()
        given, like = (self.point, self.output) if forward else (self.output, self.point)
        shape, made = _probe_shape(given), _probe_shape(like)
        found: dict[int, Window] = {}
        with torch.no_grad():
            for numbers in by_position([places[0] for places in ones], shape).values():
                boxes = self._boxes(around([place for i in numbers for place in ones[i]], shape, given), forward)
                first, last = (self.plan.source, self.program.output)[:: 1 if forward else -1]
                box, end = boxes[first], boxes.get(last) if self.plan.reaches else None
                assert box is not None
                if end is None:
                    for number in numbers:
                        found[number] = Window(like.new_zeros([0] * len(made)), (0,) * len(made), made)
                    continue
                probes = given.new_zeros(len(numbers), *extent(box))
                for lane, number in enumerate(numbers):
                    for place in ones[number]:
                        index = (0,) * (given.dim() - len(shape)) + place
                        probes[lane][tuple(i - start for i, (start, _) in zip(index, box, strict=True))] = 1
                if forward:
                    lanes = self._engine.forward(probes, items=self._cutter.cut(self._engine.forward_items(), boxes))
                else:
                    lanes = self._engine.backward(probes, items=self._cutter.cut(self._engine.backward_items(), boxes))
                skip = like.dim() - len(made)
                lanes = lanes.reshape(len(numbers), *extent(end)[skip:])
                for lane, number in enumerate(numbers):
                    found[number] = Window(lanes[lane], tuple(start for start, _ in end[skip:]), made)
        return [found[number] for number in range(len(ones))]

    def _run(self, lanes: Tensor, batches: Batches, product: Callable[[Tensor], Tensor]) -> Tensor:
        self._unchanged()
        with torch.no_grad():
            return torch.cat(list(batches.each(len(lanes), lambda start, end: product(lanes[start:end]))))

    def _lanes(self, v: Tensor, like: Tensor, name: str) -> Tensor:
        shape = _probe_shape(like)
        if not isinstance(v, Tensor) or tuple(v.shape[1:]) != shape or v.dim() != len(shape) + 1:
            given = tuple(v.shape) if isinstance(v, Tensor) else type(v).__name__
            wanted = "(P" + "".join(f", {size}" for size in shape) + ")"
            raise InputError(f"{name} takes a tensor of shape {wanted} and was given {given}.")
        if v.dtype != like.dtype or v.device != like.device:
            raise InputError(f"{name} takes {like.dtype} on {like.device} and was given {v.dtype} on {v.device}.")
        if not torch.isfinite(v).all():
            raise InputError(f"{name} was given NaN or infinite values.")
        return v.detach().reshape(len(v), *like.shape)

    def _unchanged(self) -> None:
        if self.program.versions() != self._versions:
            raise InputError("The model's weights have changed since it was interpreted; interpret it again.")

    def _certify(self) -> tuple[Tensor, Certificate]:
        generator = torch.Generator().manual_seed(0)
        v, u = (torch.randn(t.shape, generator=generator, dtype=torch.float64).to(t) for t in (self.point, self.output))
        with torch.no_grad():
            fx, fv, residual = self._engine.forward(torch.stack([self.point, v]), affine=True)
            back = self._engine.backward(u.unsqueeze(0))[0]
        y = self.output.double()
        fx64, r64 = fx.double(), residual.double()
        largest = max(float(t.abs().max()) for t in (y, fx64, r64))
        reconstruction = float((fx64 + r64 - y).abs().max()) / (largest or 1.0)
        left, right = fv.double() * u.double(), back.double() * v.double()
        terms = max(float(left.norm()), float(right.norm()))
        adjoint = float((left.sum() - right.sum()).abs()) / (terms or 1.0)
        certificate = Certificate(
            reconstruction,
            adjoint,
            dict(sorted(self._engine.frozen.items(), key=lambda item: -item[1])),
            self.plan.interpretation,
            self.point.dtype,
            max(TOLERANCE[dtype] for dtype in self.plan.dtypes),
            self.program.notes,
        )
        certificate.check()
        return residual.clone(), certificate  # a lane of three, which would keep the others


def _probe_shape(value: Tensor) -> tuple[int, ...]:
    shape = tuple(value.shape)
    return shape[1:] if shape[:1] == (1,) else shape
