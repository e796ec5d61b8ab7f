"""The section `firmware`: bits of columns by globs, masks, and mistakes."""

import pytest

from fivesigma.analysis.file import validate
from fivesigma.analysis.firmware import Firmware
from fivesigma.errors import AnalysisError

BASE = {"features": ["a"], "target": "y"}


def test_bits_and_masks_of_columns():
    tree = {
        "ports": {"{phi,eta}_*": 13, "bend_*": "s8", "`jet/pt`": "u4", "pt": "12f2", "phi_9": 3},
        "missing": {"*_1": "mask_1"},
    }
    found = validate({**BASE, "firmware": tree}, "test").firmware
    assert found.port_of("eta_1") == (False, 13, 0)
    assert found.port_of("bend_1") == (True, 8, 0)
    assert found.port_of("jet/pt") == (False, 4, 0)
    assert found.port_of("phi_9") == (False, 3, 0)  # a name goes before globs
    assert found.port_of("pt") == (False, 12, 2)
    assert found.mask_of("eta_1") == "mask_1"
    assert found.mask_of("mask_1") is None
    assert found.mask_of("eta_2") is None
    assert (found.clock_mhz, validate(BASE, "test").firmware) == (200, None)


@pytest.mark.parametrize("bits", [0, 25, "8s", "s", -3, "x8", "12.5", "8f25"])
def test_a_width_that_is_none_is_refused(bits):
    with pytest.raises(AnalysisError, match=rf"firmware: ports: 'a': '?{bits}'? is no width of a port.*as in s8"):
        validate({**BASE, "firmware": {"ports": {"a": bits}}}, "test")


@pytest.mark.parametrize("changes", [{"clock_mhz": 0}, {"latency_cutoff": -1}, {"port": {}}])
def test_other_mistakes_are_refused(changes):
    with pytest.raises(AnalysisError, match=next(iter(changes))):
        validate({**BASE, "firmware": changes}, "test")


def test_two_widths_or_none_are_refused_by_column():
    found = Firmware(ports={"phi_*": 13, "*_1": 8})
    assert found.port_of("phi_2") == (False, 13, 0)
    with pytest.raises(AnalysisError, match=r"'phi_1' matches 'phi_\*', '\*_1', which say different things"):
        found.port_of("phi_1")
    with pytest.raises(AnalysisError, match=r"the column 'x'.*has no port") as caught:
        found.port_of("x")
    assert "ports: {x: 8}" in caught.value.hint


def test_names_that_no_column_has_are_refused():
    found = Firmware(ports={"phi_*": 13}, missing={"phi_*": "mask"})
    found.check_names(["phi_1", "mask"])
    with pytest.raises(AnalysisError, match=r"firmware\.ports: 'phi_\*' matches no column"):
        found.check_names(["mask"])
    with pytest.raises(AnalysisError, match=r"firmware\.missing: 'mask' is no column"):
        found.check_names(["phi_1"])
