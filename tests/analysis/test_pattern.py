"""Frequencies from half a spectrum are those of the whole one."""

from math import degrees

import numpy as np
import pytest

from linearscope.analysis.pattern import frequencies


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (9, 6), (1, 5), (6, 1), (2, 2)])
def test_half_a_spectrum_tells_what_the_whole_one_does(size):
    planes = np.random.default_rng(0).normal(size=(3, *size)) + np.linspace(0, 3, size[0])[:, None]
    power = np.square(np.abs(np.fft.fft2(planes))).sum(0)
    down, along = np.meshgrid(*(np.fft.fftfreq(n) for n in size), indexing="ij")
    told = ((np.abs(down) < 0.5) & (np.abs(along) < 0.5) | (down == 0) | (along == 0)) & (np.hypot(down, along) > 0)
    turned = (np.where(told, power, 0) * np.exp(2j * np.arctan2(-down, along))).sum() / power[told].sum()
    mean, orientation, strength = frequencies(planes)
    assert mean == pytest.approx((power * np.hypot(down, along)).sum() / power.sum())
    assert strength == pytest.approx(min(abs(turned), 1))
    if orientation is not None:
        assert orientation == pytest.approx((degrees(np.angle(turned)) / 2 + 90) % 180)


def test_room_makes_the_spectrum_finer_only():
    rows = np.arange(40)[:, None]
    waves = np.exp(-(((rows - 20) / 6) ** 2)) * np.cos(2 * np.pi * 0.2 * rows) * np.ones((1, 1, 30))
    alone, among_zeros = frequencies(waves), frequencies(waves, 16)
    assert among_zeros[0] == pytest.approx(0.2, abs=0.02) == alone[0]
    assert (alone[1], among_zeros[1]) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))
