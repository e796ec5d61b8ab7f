"""Shards: every event once, in random order, the same after a kill; damage is a sentence."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from fivesigma.data.shards import INDEX, Shards, ShardWriter, from_table, to_table
from fivesigma.errors import DataError, RunError


@pytest.fixture
def events(make_events):
    generator = np.random.default_rng(1)
    n = 5000
    return make_events(
        generator.normal(0, 1, (n, 3)),
        target=np.repeat([0, 1], n // 2),
        weight=generator.uniform(-1, 2, n),
        parameters=generator.uniform(0, 1, (n, 1)),
        observers={"m": np.arange(n)},
        units={"x0": "GeV"},
    )


def parts_of(events):
    side = np.arange(len(events)) % 5
    return {"train": events.take(side > 1), "val": events.take(side == 1), "test": events.take(side == 0)}


def write(folder, events, pieces=4, shards=3, **more):
    writer = ShardWriter(folder, shards, "abc", {"selection": None})
    for piece, rows in enumerate(np.array_split(np.arange(len(events)), pieces)):
        writer.scatter(piece, parts_of(events.take(rows)))
    writer.gather(events.take(np.zeros(0, int)), lambda parts: parts, seed=1, **more)
    return Shards(folder)


def numbers(shards, part):
    return np.concatenate([piece.event_number for piece in shards.pieces(part)]).astype(int)


def test_events_survive_the_trip_through_a_table(events):
    found = from_table(to_table(events), events)
    for name in ("features", "parameters", "target", "weight", "event_number", "fingerprint"):
        np.testing.assert_array_equal(getattr(found, name), getattr(events, name))
    np.testing.assert_array_equal(found.observers["m"], events.observers["m"])
    assert found.feature_names == events.feature_names


def test_every_event_is_in_one_shard_of_its_part(tmp_path, events):
    shards = write(tmp_path / "out", events)
    rows = [parts_of(events.take(r)) for r in np.array_split(np.arange(len(events)), 4)]
    for part in ("train", "val", "test"):
        expected = np.concatenate([row[part].event_number for row in rows])
        assert sorted(numbers(shards, part)) == sorted(expected)
        assert shards.length(part) == len(expected)
    assert not list((tmp_path / "out").glob("spill*"))
    every = np.concatenate([piece.observers["m"] for piece in shards.pieces("val")])
    np.testing.assert_array_equal(every, numbers(shards, "val"))  # columns stay together


def test_shards_are_random_samples_in_random_order(tmp_path, events):
    shards = write(tmp_path / "out", events)
    for shard in range(3):
        found = shards.open("train", shard).read(0)
        # The first half of the input is background, the second signal.
        assert found.target.mean() == pytest.approx(0.5, abs=0.08)
        order = np.corrcoef(np.arange(len(found)), found.event_number.astype(float))[0, 1]
        assert abs(order) < 0.1


def test_counts_and_weights_in_the_index_are_those_of_the_events(tmp_path, events):
    shards = write(tmp_path / "out", events)
    found = np.concatenate([piece.target for piece in shards.pieces("train")])
    weight = np.concatenate([piece.weight for piece in shards.pieces("train")])
    np.testing.assert_allclose(shards.totals("train"), np.bincount(found, weights=weight))
    assert shards.weight("train") == pytest.approx(weight.sum())


def test_a_call_that_was_killed_is_gone_on_with_and_gives_the_same_bytes(tmp_path, events):
    write(tmp_path / "whole", events)
    writer = ShardWriter(tmp_path / "cut", 3, "abc", {"selection": None})
    pieces = [parts_of(events.take(rows)) for rows in np.array_split(np.arange(len(events)), 4)]
    for piece in (0, 1):
        writer.scatter(piece, pieces[piece])

    class Killed(Exception):
        pass

    def kill(done, total, text):
        raise Killed

    again = ShardWriter(tmp_path / "cut", 3, "abc", {"selection": None})
    assert [again.has(piece) for piece in range(4)] == [True, True, False, False]
    for piece in (2, 3):
        again.scatter(piece, pieces[piece])
    with pytest.raises(Killed):
        again.gather(events.take(np.zeros(0, int)), lambda parts: parts, seed=1, progress=kill)
    with pytest.raises(RunError, match="not a complete folder"):
        Shards(tmp_path / "cut")
    again.gather(events.take(np.zeros(0, int)), lambda parts: parts, seed=1)
    files = [path.relative_to(tmp_path / "whole") for path in sorted((tmp_path / "whole").rglob("*.parquet"))]
    assert len(files) == 9
    for name in files:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_another_digest_does_not_use_the_spill(tmp_path, events):
    ShardWriter(tmp_path, 3, "abc", {}).scatter(0, parts_of(events))
    assert not ShardWriter(tmp_path, 3, "other", {}).has(0)


def test_a_sample_is_bounded(tmp_path, events):
    shards = write(tmp_path / "out", events, shards=2)
    assert 1000 <= len(shards.sample("train", 1000)) < 3000
    assert len(shards.sample("test", 10**9)) == shards.length("test")


def test_a_change_is_made_whenever_events_are_read(tmp_path, events):
    write(tmp_path / "out", events)
    shards = Shards(tmp_path / "out", lambda piece: piece.take(piece.event_number % 2 == 0))
    assert (numbers(shards, "train") % 2 == 0).all()
    assert len(shards.open("val", 0).read(0, inputs_only=True)) > 0


def test_inputs_alone_leave_the_rest_unread(tmp_path, events):
    piece = write(tmp_path / "out", events).open("train", 0).read(0, inputs_only=True)
    assert len(piece.event_number) == 0
    assert not piece.observers
    assert len(piece.features) == len(piece.weight) > 0


def test_what_is_not_there_or_damaged_is_a_sentence(tmp_path, events):
    with pytest.raises(RunError, match="no folder"):
        Shards(tmp_path / "absent")
    write(tmp_path / "out", events)
    file = tmp_path / "out" / "train" / "shard-00001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match="cannot be read"):
        Shards(tmp_path / "out").open("train", 1)
    pq.write_table(to_table(events), file)
    with pytest.raises(DataError, match="instead of"):
        Shards(tmp_path / "out").open("train", 1)
    (tmp_path / "out" / INDEX).write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        Shards(tmp_path / "out")
    (tmp_path / "out" / INDEX).write_text(json.dumps({"digest": 1})[:-1])
    with pytest.raises(RunError, match="damaged"):
        Shards(tmp_path / "out")


def test_a_flipped_bit_anywhere_in_a_shard_is_noticed_or_changes_nothing(tmp_path, events):
    shards = write(tmp_path, events, shards=1)
    path = tmp_path / "train" / "shard-00000.parquet"
    expected, text = numbers(shards, "train"), path.read_bytes()
    whole = list(shards.pieces("train"))
    noticed = []
    for place in np.random.default_rng(5).integers(0, 8 * len(text), 60):
        damaged = bytearray(text)
        damaged[place // 8] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        try:
            found = list(Shards(tmp_path).pieces("train"))
        except DataError as error:
            noticed.append(error.what)
            continue
        np.testing.assert_array_equal(np.concatenate([piece.event_number for piece in found]), expected)
        for piece, before in zip(found, whole, strict=True):
            assert piece.features.tobytes() == before.features.tobytes()
            assert piece.weight.tobytes() == before.weight.tobytes()
    assert len(noticed) > 50
    assert all("shard-00000.parquet" in sentence and "\n" not in sentence for sentence in noticed)


def test_a_shard_is_checked_once_and_inputs_alone_are_checked_as_well(tmp_path, events):
    write(tmp_path, events, shards=1)
    shards = Shards(tmp_path)
    path = tmp_path / "train" / "shard-00000.parquet"
    text = path.read_bytes()
    shard = shards.open("train", 0)
    row = shard.read(0, inputs_only=True).features[1].tobytes()
    path.write_bytes(text.replace(row, row[:-1] + bytes([row[-1] ^ 64])))
    shards.open("train", 0).read(0, inputs_only=True)  # damage after the first look would cost time at every look
    with pytest.raises(DataError, match=r"the features of piece 1 of the shard .* are not those that were written"):
        Shards(tmp_path).open("train", 0).read(0, inputs_only=True)


def test_a_changed_index_is_refused_and_an_older_one_is_read(tmp_path, events):
    write(tmp_path, events)
    index = tmp_path / INDEX
    text = index.read_text()
    index.write_text(text.replace('"events": 1', '"events": 2', 1))
    assert index.read_text() != text
    with pytest.raises(RunError, match=r"prepared\.json is damaged: its checksum is another"):
        Shards(tmp_path)
    tree = json.loads(text)
    del tree["checksum"]
    for part in tree["parts"].values():
        del part["checksums"]
    index.write_text(json.dumps(tree))
    assert len(numbers(Shards(tmp_path), "train")) == Shards(tmp_path).length("train")
