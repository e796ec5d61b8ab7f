"""Drawings of our own: the same as SVG and as PDF, with whatever texts users have."""

import xml.etree.ElementTree as ET

import pytest

from fivesigma.reporting.canvas import Drawing, Label, Shape, plain, write_pdf
from fivesigma.runs.folder import RunFolder

TEXTS = ["x & <y>", "$p_T$ [GeV]", "cost $5", r"$\frac{$", "Δφ(ℓ, jet) ≥ 1", '"quoted"', r"$\mathrm{m}_{\ell\nu}^{2}$"]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_becomes_valid_svg_and_pdf(text, tmp_path):
    for upright in (False, True):
        drawing = Drawing(100, 50, [Label(10, 20, text, anchor="middle", is_upright=upright)])
        words = "".join(ET.fromstring(drawing.svg()).itertext())
        assert "$" not in words or text in ("cost $5", r"$\frac{$")
        write_pdf(RunFolder(tmp_path), "one", [drawing] * 3, columns=2)
        assert (tmp_path / "plots/one.pdf").read_bytes().startswith(b"%PDF")


def test_formulas_become_pieces_above_and_below_the_line():
    assert plain("plain") == [("plain", 0)]
    assert plain(r"$\mathrm{m}_{\ell\nu}^{2}$") == [("m", 0), ("ℓν", -1), ("2", 1)]


def test_shapes_are_drawn_where_they_are():
    from fivesigma.reporting.canvas import _path

    path = _path("M1 2H5V7h-1v-2L0 0Z")
    assert path.vertices[:-1].tolist() == [[1, 2], [5, 2], [5, 7], [4, 7], [4, 5], [0, 0]]
    svg = Shape("M0 0H1", stroke="#fff", is_dashed=True).svg()
    assert 'fill="none"' in svg
    assert "stroke-dasharray" in svg
