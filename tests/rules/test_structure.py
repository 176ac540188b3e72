"""Windows of every rule against the dense matrix of its map: nothing outside its structure, and the same inside."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from linearscope.rules import LinearMap
from linearscope.rules.decisions import Bits
from linearscope.rules.structure import Box, Structure, cut, extent, fit, needs, reaches, whole
from tests.rules.cases import CASES, case, t
from tests.rules.oracle import Case, dense, make_call
from tests.rules.test_every_rule import maps, moving

aten = torch.ops.aten

P = t(1, 4, 7, 6)
BEFORE = len(CASES)
for _mode in ("reflect", "replicate", "circular", "constant"):
    case(aten.pad.default, P, [2, 1, 0, 3], _mode)
case(aten.pad.default, P, [-1, -2, -1, 0])
case(aten.pad.default, P, [1, 1, 0, 0, 1, 0])
case(aten.upsample_nearest2d.vec, P, None, [2.0, 1.5])
case(aten.upsample_bilinear2d.vec, P, [10, 5], True, None)
case(aten.upsample_bilinear2d.vec, P, None, False, [1.7, 2.3])
case(aten.upsample_bicubic2d.vec, P, None, False, [2.0, 3.0])
case(aten.upsample_bicubic2d.default, P, [9, 13], False, 1.3, 2.2)
case(aten._upsample_bicubic2d_aa.vec, P, [3, 4], False, None)
case(aten.avg_pool2d.default, P, [3, 2], [2, 1], [1, 0], True, False)
case(aten.avg_pool2d.default, P, [3, 2], [2, 1], [1, 1], False, True, 5)
case(aten.adaptive_avg_pool2d.default, P, [3, 2])
case(aten.conv2d.default, P, t(6, 2, 3, 2), None, [2, 1], [1, 0], [1, 2], 2)
case(aten.conv2d.padding, P, t(3, 4, 3, 3), None, [1, 1], "same", [2, 1])
case(aten.conv_transpose2d.input, P, t(4, 3, 3, 2), None, [2, 3], [1, 0], [1, 2], 2, [1, 1])
case(aten.conv_transpose2d.input, P, t(4, 3, 2, 4), None, [1, 2], [1, 2], [0, 0], 1, [2, 1])
case(aten.max_pool2d.default, P, [3, 2], [2, 1], [1, 1])
case(aten.pixel_shuffle.default, P, 2)
case(aten.pixel_unshuffle.default, t(1, 2, 6, 4), 2)
case(aten.slice.Tensor, P, 2, 1, 6, 2)
case(aten.cat.default, [P, t(1, 3, 7, 6)], 1, carries=(0, 1))
case(aten.mean.dim, P, [-1, -2], True)
case(aten.mean.dim, P, [2])
case(aten.add.Tensor, P, t(4, 1, 1), carries=(0, 1))
case(aten.mul.Tensor, P, t(1, 4, 1, 1), carries=(0, 1))
OWN = CASES[BEFORE:]
del CASES[BEFORE:]


def structured(one: Case) -> list[tuple[LinearMap, list[Structure]]]:
    found = []
    for linear in maps(one):
        output = make_call(one).output
        shape = tuple(output.shape) if isinstance(output, Tensor) else None
        structures = linear.structure([tuple(m.shape) for m in moving(one)], shape)
        if structures is not None:
            found.append((linear, list(structures)))
    return found


WINDOWED = [one for one in CASES if structured(one)]


def output_shape(one: Case) -> tuple[int, ...]:
    output = make_call(one).output
    return tuple((output if isinstance(output, Tensor) else output[0]).shape)


def boxes(shape: tuple[int, ...], seed: int) -> list[Box]:
    chosen = random.Random(seed)
    drawn = [
        tuple((a := chosen.randrange(size), chosen.randrange(a + 1, size + 1)) for size in shape) for _ in range(6)
    ]
    return [whole(shape), *drawn]


def places(shape: tuple[int, ...], box: Box) -> Tensor:
    return torch.arange(int(np.prod(shape))).reshape(shape)[tuple(slice(*ends) for ends in box)].flatten()


@pytest.mark.parametrize("one", OWN, ids=str)
def test_these_have_windows_and_keep_to_their_own_oracle(one: Case) -> None:
    for linear in maps(one):
        for matrix, value in zip(dense(linear, moving(one)), moving(one), strict=True):
            assert matrix.shape[1] == value.numel()
    if not (one.target is aten.pad.default and len(one.args[1]) == 6):
        assert structured(one)


@pytest.mark.parametrize("one", WINDOWED + OWN, ids=str)
def test_nothing_is_outside_the_structure(one: Case) -> None:
    output = output_shape(one)
    for linear, structures in structured(one):
        for matrix, structure, value in zip(dense(linear, moving(one)), structures, moving(one), strict=True):
            used = matrix.reshape(*output, *value.shape) != 0
            allowed = torch.ones_like(used)
            for axis, along in enumerate(structure):
                if along is None:
                    continue
                there = np.arange(output[along.axis])[:, None] if along.places is None else along.places
                table = torch.zeros(output[along.axis], value.shape[axis], dtype=torch.bool)
                for place, row in enumerate(there):
                    table[place, row[row >= 0]] = True
                view = [1] * used.dim()
                view[along.axis], view[len(output) + axis] = table.shape
                allowed &= table.reshape(view) if along.axis < len(output) + axis else table.T.reshape(view)
            assert not (used & ~allowed).any()


@pytest.mark.parametrize("one", WINDOWED + OWN, ids=str)
def test_a_window_is_the_same_part_of_the_matrix(one: Case) -> None:
    output, inputs = output_shape(one), [tuple(m.shape) for m in moving(one)]
    for linear, structures in structured(one):
        whole_matrices = dense(linear, moving(one))
        for compacted, box in product((False, True), boxes(output, seed=3)):
            if compacted:
                linear.compact()
            wanted = [needs(s, box, shape) for s, shape in zip(structures, inputs, strict=True)]
            if not any(wanted):
                continue
            part = linear.submatrix(box, wanted)
            for i, (needed, shape, matrix) in enumerate(zip(wanted, inputs, whole_matrices, strict=True)):
                if needed is None:
                    continue
                expected = matrix[places(output, box)][:, places(shape, needed)]
                outside = matrix[places(output, box)].clone()
                outside[:, places(shape, needed)] = 0
                assert not outside.any(), "an output needs more than its structure says"
                count = expected.shape[1]
                lanes: list[Tensor | None] = [None] * len(inputs)
                lanes[i] = torch.eye(count, dtype=torch.float64).reshape(count, *extent(needed))
                made = part.forward(lanes)
                made = made[0] if isinstance(made, tuple) else made
                torch.testing.assert_close(made.reshape(count, -1).T, expected, rtol=0, atol=1e-12)
                u = torch.eye(expected.shape[0], dtype=torch.float64).reshape(-1, *extent(box))
                given = (u,) if isinstance(part.forward(lanes), tuple) else u
                back = part.transpose(given)[i]
                assert back is not None
                torch.testing.assert_close(back.reshape(expected.shape[0], -1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("one", WINDOWED + OWN, ids=str)
def test_what_a_window_reaches_holds_all_it_changes(one: Case) -> None:
    output = output_shape(one)
    for linear, structures in structured(one):
        for matrix, structure, value in zip(dense(linear, moving(one)), structures, moving(one), strict=True):
            for box in boxes(tuple(value.shape), seed=5):
                changed = matrix[:, places(tuple(value.shape), box)].abs().sum(1).reshape(output)
                reached = reaches(structure, box, output)
                if reached is not None:
                    changed[tuple(slice(*ends) for ends in reached)] = 0
                assert not changed.any()


@pytest.mark.parametrize("shape", [(2, 3, 8), (1, 4, 5, 7), (9,), (2, 16, 16)])
def test_a_part_of_packed_bits_is_that_part(shape: tuple[int, ...]) -> None:
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(1)) > 0.5
    bits = Bits(mask)
    for compacted, box in product((False, True), boxes(shape, seed=2)):
        if compacted:
            bits.compact()
        assert torch.equal(bits.part(box), cut(mask, box) if 1 not in shape else mask[tuple(slice(*e) for e in box)])


def test_fitting_cuts_and_pads() -> None:
    lanes = torch.arange(12.0).reshape(1, 3, 4)
    fitted = fit(lanes, ((1, 4), (0, 4)), ((0, 3), (2, 6)))
    assert fitted.tolist() == [[[0, 0, 0, 0], [2, 3, 0, 0], [6, 7, 0, 0]]]
    assert torch.equal(fit(fitted, ((0, 3), (2, 6)), ((1, 3), (2, 4))), lanes[:, :2, 2:])
