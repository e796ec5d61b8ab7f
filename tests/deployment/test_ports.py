"""Columns at the ports: whole numbers, masks, random numbers on idle ports, and what does not fit."""

import numpy as np
import pytest

from fivesigma.analysis.firmware import Firmware
from fivesigma.deployment.ports import columns_of, masks_of, numbers_of, ports_of, rounded_share
from fivesigma.errors import DataError

FIRMWARE = Firmware(ports={"{phi,bend}": "s4", "mask": 1, "z/1": 3, "z.1": 3}, missing={"{phi,mask}": "mask"})
NAMES = ["phi", "mask", "z/1", "z.1"]
PORTS = ports_of(FIRMWARE, NAMES)


def columns(**changes):
    given = {"phi": [-8.0, np.nan, 7.0], "mask": [0.0, 1.0, 0.0], "z/1": [0.0, 7.0, 3.0], "z.1": [1.0, 2.0, 3.0]}
    return {name: np.asarray(changes.get(name, values), float) for name, values in given.items()}


def test_columns_go_in_and_come_out():
    numbers = numbers_of(PORTS, columns())
    np.testing.assert_array_equal(numbers, [[-8, 0, 0, 1], [0, 1, 7, 2], [7, 0, 3, 3]])
    for name, values in columns_of(PORTS, numbers).items():
        np.testing.assert_array_equal(values, columns()[name])
    assert [port.signal for port in PORTS] == ["in_phi", "in_mask", "in_z_1", "in_z_1_2"]
    assert masks_of(FIRMWARE, ["phi", "z.1"]) == ["mask"]


def test_idle_ports_carry_anything_that_fits():
    many = {name: np.tile(values, 500) for name, values in columns().items()}
    numbers = numbers_of(PORTS, many, seed=1)
    idle = numbers[many["mask"] == 1, 0]
    assert set(idle) == set(range(-8, 8))
    np.testing.assert_array_equal(numbers[:, 1:], numbers_of(PORTS, many)[:, 1:])
    np.testing.assert_array_equal(columns_of(PORTS, numbers)["phi"], many["phi"])


def test_a_number_that_means_missing_is_missing():
    given = columns(phi=[-8, -99, 7])
    np.testing.assert_array_equal(numbers_of(PORTS, given, (-99,))[:, 0], [-8, 0, 7])
    with pytest.raises(DataError, match="'phi' has a value in 1 events in which mask is 1"):
        numbers_of(PORTS, given)
    single = {name: values.astype(np.float32) for name, values in columns(phi=[-8, -99.9, 7]).items()}
    np.testing.assert_array_equal(numbers_of(PORTS, single, (-99.9,))[:, 0], [-8, 0, 7])


def test_values_between_whole_numbers_are_rounded_and_counted():
    given = columns(phi=[-7.6, np.nan, 6.5])
    np.testing.assert_array_equal(numbers_of(PORTS, given)[:, 0], [-8, 0, 6])
    assert rounded_share(PORTS, given) == {"phi": 1.0}
    assert rounded_share(PORTS, columns(phi=[-99.5, np.nan, 6.0]), (-99.5,)) == {}


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"phi": [-9, np.nan, 7]}, "'phi' has the value -9, and its port s4 takes -8 to 7", "more bits"),
        ({"z.1": [-1, 0, 0]}, "'z.1' has the value -1, and its port 3 takes 0 to 7", "and a sign"),
        ({"z.1": [np.inf, 0, 0]}, "'z.1' is missing in 1 of 3 events", "firmware: {missing: {z.1: mask}}"),
        ({"phi": [np.nan, np.nan, 7]}, "'phi' is missing in 1 events in which mask is 0", "exactly where"),
        ({"phi": [3, 3, 7]}, "'phi' has a value in 1 events in which mask is 1", "exactly where"),
        ({"mask": [0, 2, 0]}, "'mask', which says whether 'phi' is missing, is not 0 or 1", ""),
    ],
)
def test_what_does_not_fit_is_refused_by_column(changes, message, hint):
    with pytest.raises(DataError, match=message) as caught:
        numbers_of(PORTS, columns(**changes))
    assert hint in (caught.value.hint or "")


def test_bits_behind_the_point():
    ports = ports_of(Firmware(ports={"pt": "6f2", "eta": "s5f3"}), ["pt", "eta"])
    given = {"pt": np.array([0.25, 15.75, 3.1]), "eta": np.array([-2.0, 1.875, 0.5])}
    numbers = numbers_of(ports, given)
    np.testing.assert_array_equal(numbers, [[1, -16], [63, 15], [12, 4]])
    np.testing.assert_array_equal(columns_of(ports, numbers)["pt"], [0.25, 15.75, 3])
    assert rounded_share(ports, given) == {"pt": pytest.approx(1 / 3)}
    with pytest.raises(DataError, match=r"'eta' has the value 2, and its port s5f3 takes -2 to 1\.875"):
        numbers_of(ports, {**given, "eta": np.array([0, 0, 2.0])})


def test_no_events_are_no_numbers():
    assert numbers_of(PORTS, {name: values[:0] for name, values in columns().items()}).shape == (0, 4)
