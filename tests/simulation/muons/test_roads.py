import numpy as np
import pytest

from fivesigma.simulation.muons import chambers, finder, roads, sectors, transport
from fivesigma.simulation.muons.gun import shoot
from fivesigma.simulation.muons.transport import PLANES


def hits_of_muons(noise: float):
    """Hits of muons, what their processor sees of them, and the local phi."""
    random = np.random.default_rng(11)
    muons = shoot(3000, "flat-inverse-pt", (2.0, 7000.0), (1.2, 2.5), random)
    crossings = transport.transport(muons, random)
    hits = chambers.digitise(crossings, muons.charge_over_pt, random, noise)
    processor = sectors.home(hits)
    return hits, sectors.visible(hits, processor), sectors.local_phi(hits, processor)


@pytest.fixture(scope="module")
def seen_by_a_processor():
    return hits_of_muons(0.0)


def slow_search(hits, seen, phi, muon):
    """The best road of one muon by trying every zone, pattern and place: (zone, pattern, places)."""
    windows, best = roads.patterns(), (0, None)
    for zone in range(roads.ZONES):
        planes = [
            plane
            for plane in range(len(PLANES))
            if seen[plane, muon]
            and zone in roads.THETA_WINDOWS[PLANES[plane], int(hits.ring[plane, muon])]
            and roads.THETA_WINDOWS[PLANES[plane], int(hits.ring[plane, muon])][zone][0]
            <= hits.theta[plane, muon]
            <= roads.THETA_WINDOWS[PLANES[plane], int(hits.ring[plane, muon])][zone][1]
        ]
        for pattern in range(roads.PATTERNS):
            for place in range(-40, 200):
                inside = set()
                for plane in planes:
                    first, last = windows[pattern, zone, plane]
                    if first <= (int(phi[plane, muon]) + 16) // 32 - place <= last:
                        inside.add(plane)
                value = slow_value(inside, pattern)
                if value > best[0]:
                    best = (value, (zone, pattern, {place}))
                elif value and value == best[0] and best[1][:2] == (zone, pattern):
                    best[1][2].add(place)
    return best[1]


def slow_value(planes, pattern):
    """Value of a road with hits in `planes`, 0 if it lacks stations."""
    stations = [bool(planes & set(group)) for group in roads.STATIONS]
    strips = [bool(planes & {0, 1}), *(plane in planes for plane in (2, 3, 4))]
    if not stations[0] or sum(stations[1:]) < 2 or sum(strips) < 2:
        return 0
    value = 0
    for group in roads.VALUE:
        value = 2 * value + bool(planes & set(group))
    return 8 * value + 5 - abs(pattern - 4)


def test_the_fast_search_agrees_with_trying_everything(seen_by_a_processor):
    hits, seen, phi = seen_by_a_processor
    found = roads.search(hits, seen, phi)
    for muon in range(0, 3000, 40):
        expected = slow_search(hits, seen, phi, muon)
        if expected is None:
            assert not found.found[muon]
            continue
        zone, pattern, places = expected
        ordered = sorted(places)
        assert found.found[muon]
        # Patterns of equal value in different zones may tie; the inner zone and lower pattern win.
        assert (found.zone[muon], found.pattern[muon]) == (zone, pattern)
        assert found.position[muon] == ordered[len(ordered) // 2]


def test_noise_seldom_hides_a_road_from_the_fast_search():
    hits, seen, phi = hits_of_muons(6.0)
    found = roads.search(hits, seen, phi)
    muons = range(0, 3000, 40)
    expected = [slow_search(hits, seen, phi, muon) for muon in muons]
    same = [
        (road is None and not found.found[muon])
        or (road is not None and road[:2] == (found.zone[muon], found.pattern[muon]))
        for muon, road in zip(muons, expected, strict=True)
    ]
    assert np.mean(same) > 0.97


def test_kept_hits_are_hits_that_the_processor_saw(seen_by_a_processor):
    hits, seen, phi = seen_by_a_processor
    found = roads.search(hits, seen, phi)
    assert not np.any(found.kept & ~seen)
    assert not np.any(found.kept[:, ~found.found])


def test_every_road_meets_the_requirement_with_the_hits_it_keeps(seen_by_a_processor):
    hits, seen, phi = seen_by_a_processor
    found = roads.search(hits, seen, phi)
    for kept in found.kept[:, found.found].T:
        assert slow_value(set(np.flatnonzero(kept).tolist()), 4) > 0


def test_a_straight_muon_gets_the_straightest_pattern():
    random = np.random.default_rng(2)
    muons = shoot(2000, "flat-pt", (500.0, 1000.0), (1.25, 2.35), random)
    crossings = transport.transport(muons, random, with_field=False, with_material=False)
    hits = chambers.digitise(crossings, muons.charge_over_pt, random, perfect=True)
    processor = sectors.home(hits)
    phi = sectors.local_phi(hits, processor)
    found = roads.search(hits, sectors.visible(hits, processor), phi)
    assert np.mean(found.pattern[found.found] == 4) > 0.99


def test_the_patterns_of_the_two_charges_are_mirror_images():
    table = roads.patterns()
    mirrored = -table[::-1, ..., ::-1]
    exists = table[..., 0] <= table[..., 1]
    assert np.array_equal(exists, exists[::-1])
    # Quad-strips are cut at multiples of 32 from below, so a mirror may move a border by one.
    assert np.abs(table - mirrored)[exists].max() <= 1


def test_a_sector_and_its_neighbour_column_fit_the_range_of_phi(seen_by_a_processor):
    _, seen, phi = seen_by_a_processor
    assert phi[seen].min() > 0
    assert phi[seen].max() < 4999


def test_the_winning_processor_is_the_best_of_all_six(seen_by_a_processor):
    hits, _, _ = seen_by_a_processor
    tracks = finder.find(hits)
    values = []
    for number in range(sectors.SECTORS):
        processor = np.full(3000, float(number), np.float32)
        phi = sectors.local_phi(hits, processor)
        values.append(roads.search(hits, sectors.visible(hits, processor), phi).value)
    assert np.array_equal(tracks.road.value, np.max(values, axis=0))
    found = tracks.road.found
    assert np.array_equal(tracks.processor[found], np.argmax(values, axis=0)[found])
