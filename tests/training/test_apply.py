"""A network is applied to events in pieces, the next of which is made meanwhile."""

import numpy as np
import pytest

from fivesigma.models.backend import keras
from fivesigma.training.apply import CHUNK, SMALLEST, Apply


@pytest.fixture(scope="module")
def network():
    k = keras()
    k.utils.set_random_seed(1)
    return k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(2)])


@pytest.fixture(scope="module")
def applied(network):
    weights = [v.value for v in network.trainable_variables], [v.value for v in network.non_trainable_variables]
    apply = Apply(network)
    return lambda x: apply(*weights, x), lambda pieces: apply.each(*weights, pieces)


def test_outputs_of_pieces_are_those_of_the_network_in_their_order(network, applied):
    whole, each = applied
    x = np.random.default_rng(2).normal(size=(CHUNK + 3 * SMALLEST, 3)).astype(np.float32)
    pieces = np.split(x, [0, 1, SMALLEST, SMALLEST, SMALLEST + 7])
    found = list(each(iter(pieces)))
    assert [len(piece) for piece in found] == [len(piece) for piece in pieces] == [0, 1, 1023, 0, 7, len(x) - 1031]
    np.testing.assert_array_equal(np.concatenate(found), whole(x))
    np.testing.assert_allclose(whole(x), network(x), rtol=1e-5, atol=1e-6)
    assert whole(x[:0]).shape == (0, 2)
    assert not list(each(iter([])))


def test_the_next_piece_is_made_before_the_outputs_of_one_are_used(applied):
    _, each = applied
    order = []

    def pieces():
        for number in range(3):
            order.append(f"make {number}")
            yield np.full((5, 3), number, np.float32)

    for number, _ in enumerate(each(pieces())):
        order.append(f"use {number}")
    assert order == ["make 0", "make 1", "use 0", "make 2", "use 1", "use 2"]
