"""The spectrum as it is used: values and vectors arrive, and rebuild the output."""

import csv
import io
import re

import numpy as np
import pytest

import linearscope as ls
from tests.studio.pages import visiting

VIEW = "#/spectrum?model=espcn_x2&image=espresso&side=32&k=3&tol=0.01"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio, accept_downloads=True) as visit:
        yield visit


def found(visit, count):
    """Wait until the search has ended."""
    visit.page.get_by_text(re.compile(rf"(All )?{count} .*found by \d+ products")).first.wait_for()
    # The vectors come after their numbers.
    visit.page.wait_for_function("() => !document.querySelector('.spectrum').textContent.includes('not here yet')")
    visit.page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module")
def it(interpreter):
    return interpreter("espcn_x2", side=32)


def test_the_values_are_those_of_svd(visit, it):
    visit.go(VIEW)
    found(visit, 3)
    name, data = visit.save("CSV")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    wanted = ls.svd(it, 3, tol=1e-2).singular_values.numpy()
    values = [float(next(value for key, value in row.items() if "singular" in key or key == "value")) for row in rows]
    assert np.allclose(values, wanted, rtol=2e-2)
    assert name.endswith(".csv")
    for i, value in enumerate(values):
        text = visit.page.locator(".spectrum-pair").nth(i).inner_text()
        assert f"Pair {i + 1}" in text
        assert float(re.search(r"s = ([\d.]+)", text)[1]) == pytest.approx(value, rel=1e-2)


def test_the_output_is_rebuilt(chromium, studio, shown):
    """The relative errors that are said are those of the vectors that the server gives."""
    with visiting(chromium, studio) as visit:
        visit.go("#/spectrum?model=facades&image=facade&k=3&tol=0.01")
        found(visit, 3)
        subject = shown("facades", "facade")
        it, svd = subject.it, subject.kept(("spectrum", 3, 0.01))
        y, x = it.output[0].double(), it.point[0].double()
        slider = visit.page.get_by_role("slider")
        for k in (0, 2, 3):
            slider.fill(str(k))
            visit.page.get_by_text(f"{k} of 3").first.wait_for()
            rebuilt = it.residual[0].double()
            for s, v, u in list(zip(svd.singular_values, svd.eigen_inputs, svd.eigen_outputs, strict=True))[:k]:
                rebuilt = rebuilt + s * (v.double() * x).sum() * u.double()
            wanted = 100 * float((y - rebuilt).norm() / y.norm())
            text = visit.page.locator(".spectrum-rebuild").inner_text()
            assert float(re.search(r"([\d.,]+) %", text)[1].replace(",", "")) == pytest.approx(wanted, rel=0.02)


def test_a_search_is_stopped_and_begun_again(visit, studio):
    visit.go("#/spectrum?model=espcn_x2&image=espresso&side=64&k=12&tol=0.000001")
    visit.page.wait_for_function("() => parseInt(document.querySelector('.spectrum dd.num')?.textContent) > 4")
    visit.page.get_by_role("button", name="Stop").click()
    start = visit.page.get_by_role("button", name="Start", exact=True)
    start.wait_for()
    start.click()
    visit.page.get_by_role("button", name="Stop").wait_for()


def test_a_file_holds_a_pair(visit, it):
    visit.go(VIEW)
    found(visit, 3)
    name, data = visit.save(re.compile("npz"))
    assert name.endswith(".npz")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        v, u = file["eigen_input"], file["eigen_output"]
    assert v.shape == it.input_shape
    assert np.linalg.norm(v) == pytest.approx(1, abs=1e-3)
    gain = it.matvec(it.point.new_tensor(v)[None])[0].numpy()
    assert np.linalg.norm(gain - np.linalg.norm(gain) * u) <= 0.02 * np.linalg.norm(gain)


def test_what_is_wrong_in_the_address_is_said(visit):
    visit.go("#/spectrum?model=espcn_x2&image=espresso&side=32&k=99&tol=7")
    visit.notice("99")
    visit.page.wait_for_function("() => !/k=99|tol=7/.test(location.hash)")


def test_work_ends_with_the_view(visit, client):
    visit.go("#/spectrum?model=espcn_x2&image=espresso&side=64&k=24&tol=0.000001")
    visit.page.wait_for_function("() => parseInt(document.querySelector('.spectrum dd.num')?.textContent) > 2")
    visit.go("#/flashlight?model=espcn_x2&image=espresso&side=32&beside=none")
    visit.shown("column,all,16,16")
    visit.page.wait_for_load_state("networkidle")
