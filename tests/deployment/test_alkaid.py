"""A guard over two faults of alkaid: it tells when a version has them right, and that they do not reach our designs."""

import numpy as np
import pytest

from fivesigma import extras
from fivesigma.errors import MissingExtra

pytest.importorskip("alkaid")

from fivesigma.deployment import alkaid
from fivesigma.deployment.fixed import Fixed
from fivesigma.expressions import Expression


def middle_bit():
    """Bit 1 of a number of three bits: doubled, it has the weight 4 of that number's highest bit."""
    given = alkaid.inputs([(False, 3)])
    doubled = given * 2
    logic = alkaid.logic_of(given, list(np.asarray(doubled.quantize(0, 3, -2)).ravel()))
    return alkaid.run(logic, np.arange(8)[:, None])[:, 0]


WANTED = np.array([0, 0, 4, 4, 0, 0, 4, 4])


def test_the_fault_is_still_there():
    """If this fails, alkaid has mended it: try the new version, and remove `mended`."""
    assert (middle_bit() != WANTED).any()


def test_without_the_faulty_pass_the_design_is_right():
    with alkaid.mended():
        np.testing.assert_array_equal(middle_bit(), WANTED)
    assert (middle_bit() != WANTED).any()  # and everything else that uses alkaid is left as it was


def sign_of_square():
    """The sign of the square of a signed number: 64 would take the bit of the sign."""
    given = alkaid.inputs([(True, 4)])
    found = Expression("sign(y * y)")({"y": Fixed(np.asarray(given).ravel()[0])})
    return alkaid.run(alkaid.logic_of(given, [found.value]), np.arange(-8, 8)[:, None])[:, 0]


def test_the_second_fault_is_still_there():
    """If this fails, alkaid has mended it, too."""
    assert (sign_of_square() != np.sign(np.arange(-8, 8) ** 2)).any()


def test_squares_are_right_with_the_remedy():
    with alkaid.mended():
        np.testing.assert_array_equal(sign_of_square(), np.sign(np.arange(-8, 8) ** 2))


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(extras.alkaid()._version, "__version__", "0.9.0")
    with pytest.raises(MissingExtra, match=r"alkaid 0\.8\.2, and 0\.9\.0 is installed") as caught, alkaid.mended():
        pass
    assert caught.value.hint == "pip install alkaid==0.8.2"
