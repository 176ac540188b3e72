"""Every published weights file in ``../shared/data`` goes through every analysis of F: a test a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import linearscope as ls
from linearscope.models import load_model

#: File, model, and the side of the image it is shown; the last takes the size that its layers ask for.
FILES = {
    "sr_espcn_relu_x3": ("espcn_x3", 16),
    "sr_tf_espcn_x2": ("espcn_tanh_x2", 16),
    "sr_fsrcnn_x2": ("fsrcnn_subpixel_x2", 16),
    "sr_carn_m": ("carn_m_x2", 10),
    "style_transformernet_candy": ("transformer_net", 12),
    "style_transformernet_mosaic": ("transformer_net", 12),
    "deeplabv3_mnv2_voc": ("deeplabv3_mnv2_voc", 9),
    "squeezenet1_1": ("squeezenet1_1", 48),
    "cifar10_resnet20": ("cifar10_resnet20", 32),
    "cifar10_resnet2b_nobn": ("cifar10_resnet2b_nobn", 32),
    "mnist_lenet5": ("mnist_lenet5", 28),
}


@pytest.mark.parametrize("file", FILES)
def test_every_analysis_agrees_with_whole_products(shared: Path, file: str) -> None:
    name, side = FILES[file]
    model = load_model(
        name, weights=shared / "weights" / f"{file}.safetensors", preprocess=f"resize={side},crop={side}"
    )
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    it = ls.interpret(model.module.double(), model.preprocessing(Image.fromarray(noise)).double())
    rows, columns = it.shape
    chosen = [0, rows // 2, rows - 1]
    eye = torch.zeros(3, rows, dtype=torch.float64)
    eye[range(3), chosen] = 1
    whole = it.rmatvec(eye.reshape(3, *it.output_shape))
    scale = float(whole.abs().max())
    for part, expected in zip(it.row_windows(chosen), whole, strict=True):
        torch.testing.assert_close(part.whole(), expected, rtol=0, atol=1e-12 * scale)
    column = columns // 2
    probe = torch.zeros(1, columns, dtype=torch.float64)
    probe[0, column] = 1
    expected = it.matvec(probe.reshape(1, *it.input_shape))[0]
    scale = float(expected.abs().max())
    torch.testing.assert_close(it.column_window(column).whole(), expected, rtol=0, atol=1e-12 * scale)
    if len(it.output_shape) == 3:
        field = ls.fields(it, (0, it.output_shape[1] // 2, it.output_shape[2] // 2))
        assert field.energy == pytest.approx(float(field.values.square().sum()), rel=1e-12)
    found = ls.svd(it, 2, tol=1e-5)
    assert found.complete
    applied = it.matvec(found.eigen_inputs)
    for value, u, fv in zip(found.singular_values, found.eigen_outputs, applied, strict=True):
        assert float((fv - value * u).norm()) <= 1e-5 * float(found.singular_values[0])
    made = ls.materialize(it)
    v = torch.randn(1, *it.input_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = it.matvec(v)
    torch.testing.assert_close(made.matvec(v), expected, rtol=0, atol=1e-10 * float(expected.abs().max()))
