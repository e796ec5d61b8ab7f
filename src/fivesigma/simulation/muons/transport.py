"""Muons carried from the collision point through field and material to every detector plane.

All muons step through the same values of z together. The step is a half drift, a rotation of the
momentum in the field at the middle, and a half drift; material acts at the middle too. Steps end on the
knots of the field, on the faces of the material and on the detector planes.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fivesigma.simulation.muons import field, material
from fivesigma.simulation.muons.gun import Muons

PLANES = ("ME11", "ME12", "ME2", "ME3", "ME4", "RE1", "RE2", "RE3", "RE4", "GE11", "GE21", "ME0")
"""The twelve detector planes, in the order of the archive's columns."""

PLANE_Z = (6.0105, 6.976, 8.274, 9.365, 10.262, 7.087, 7.909, 9.688, 10.600, 5.664, 7.948, 5.393)
"""Distance of each plane from the collision point along the beam, in metres."""

BENDING = 0.299792458
"""GeV per tesla and metre: a unit charge turns by this much momentum per unit of field integral."""

LONGEST_STEP = 0.3
"""Metres. Finer steps move no muon above 2 GeV by a phi unit, none above 4 GeV by half of one."""

STOPPED = 0.25
"""GeV: below this momentum a muon counts as stopped and leaves no further hits."""


@dataclass(frozen=True)
class Crossings:
    """Where muons cross the planes; arrays of shape (plane, muon).

    x, y in metres and their slopes dx/d|z|, dy/d|z|. `reached` is False once a muon has stopped. Both
    endcaps are folded onto positive z, which changes neither x, y nor phi.
    """

    x: np.ndarray
    y: np.ndarray
    slope_x: np.ndarray
    slope_y: np.ndarray
    reached: np.ndarray


@dataclass(frozen=True)
class Step:
    """One step along z, with the field at its middle and the slab it lies in, if any."""

    start: float
    end: float
    field: field.FieldSlice
    slab: material.Slab | None
    enters_slab: bool
    plane: int | None


@dataclass
class State:
    """Muons during transport; float32 arrays of shape (muon,): metres, GeV, and the sign of the charge."""

    x: np.ndarray
    y: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    charge: np.ndarray
    alive: np.ndarray
    straggling: np.ndarray


def plan(longest: float = LONGEST_STEP) -> tuple[Step, ...]:
    """All steps from z = 0 to the last plane, none longer than `longest` metres."""
    faces = [face for slab in material.SLABS for face in (slab.start, slab.end)]
    last = max(PLANE_Z)
    stops = sorted({0.0, *PLANE_Z, *faces, *(float(z) for z in field.KNOTS_Z if z < last)})
    steps = []
    previous: material.Slab | None = None
    for start, end in pairwise(stops):
        pieces = int(np.ceil((end - start) / longest - 1e-9))
        edges = [start + (end - start) * piece / pieces for piece in range(pieces)] + [end]
        for low, high in pairwise(edges):
            middle = 0.5 * (low + high)
            slab = next((s for s in material.SLABS if s.start <= middle < s.end), None)
            plane = PLANE_Z.index(high) if high in PLANE_Z else None
            entering = slab is not None and slab is not previous
            steps.append(Step(low, high, field.slice_at(middle), slab, entering, plane))
            previous = slab
    return tuple(steps)


STEPS = plan()


def transport(
    muons: Muons,
    random: np.random.Generator,
    steps: tuple[Step, ...] = STEPS,
    with_field: bool = True,
    with_material: bool = True,
) -> Crossings:
    """Transport `muons` through the endcap; without field and material their paths are straight."""
    state = start(muons)
    shape = (len(PLANES), len(muons))
    x, y, slope_x, slope_y = np.empty((4, *shape), np.float32)
    crossings = Crossings(x, y, slope_x, slope_y, np.empty(shape, bool))
    for step in steps:
        advance(state, step, random, with_field, with_material)
        if step.plane is not None:
            _record(crossings, step.plane, state)
    return crossings


def start(muons: Muons) -> State:
    """The state of muons where they cross z = 0 of the detector, both endcaps folded onto positive z."""
    momentum = 1.0 / np.abs(muons.charge_over_pt)
    px, py = momentum * np.cos(muons.phi), momentum * np.sin(muons.phi)
    pz = momentum * np.sinh(np.abs(muons.eta))
    # A collision at positive z is nearer to the positive endcap and farther from the negative one.
    drift = -muons.vertex_z * np.sign(muons.eta) / pz
    values = (px * drift, py * drift, px, py, pz, np.sign(muons.charge_over_pt))
    x, y, px, py, pz, charge = (value.astype(np.float32) for value in values)
    alive = np.ones(len(muons), bool)
    return State(x, y, px, py, pz, charge, alive, np.zeros(len(muons), np.float32))


def advance(state: State, step: Step, random: np.random.Generator, with_field: bool, with_material: bool) -> None:
    """Move `state` in place from the start to the end of `step`."""
    length = step.end - step.start
    _drift(state, 0.5 * length)
    radius = np.sqrt(state.x * state.x + state.y * state.y)
    if with_field:
        _turn(state, radius, step.field, length)
    if with_material and step.slab is not None:
        if step.enters_slab:
            state.straggling = material.moyal(len(state.x), random)
        _cross(state, radius, step.slab, step, random)
    _drift(state, 0.5 * length)


def _drift(state: State, length: float) -> None:
    scale = length / state.pz
    state.x += state.px * scale
    state.y += state.py * scale


def _turn(state: State, radius: np.ndarray, at: field.FieldSlice, length: float) -> None:
    """Rotate the momentum about the field, keeping its magnitude (Boris's rotation)."""
    b_z, b_r_over_r = field.field(radius, at)
    half_angle = state.charge * (0.5 * BENDING * length) / state.pz
    tz = half_angle * b_z
    b_r_over_r *= half_angle
    tx, ty = b_r_over_r * state.x, b_r_over_r * state.y
    px, py, pz = state.px, state.py, state.pz
    # A rotation vector of length tan(angle / 2) makes the turn exact; here to the fourth order. The time
    # spent in the field is that before and after the turn, and the radial field changes pz on the way.
    correction = (tx * tx + ty * ty + tz * tz) * (1.0 / 3.0)
    correction += 1.0 - (px * ty - py * tx) / pz
    tx *= correction
    ty *= correction
    tz *= correction
    mx = px + (py * tz - pz * ty)
    my = py + (pz * tx - px * tz)
    mz = pz + (px * ty - py * tx)
    scale = 2.0 / (1.0 + tx * tx + ty * ty + tz * tz)
    state.px = px + scale * (my * tz - mz * ty)
    state.py = py + scale * (mz * tx - mx * tz)
    # Muons that would turn around are as good as stopped; a tiny pz keeps the arithmetic finite.
    state.pz = np.maximum(pz + scale * (mx * ty - my * tx), np.float32(0.05))


def _cross(state: State, radius: np.ndarray, slab: material.Slab, step: Step, random: np.random.Generator) -> None:
    """Scatter and slow down in the part of `slab` that `step` covers."""
    part = (step.end - step.start) / (slab.end - slab.start)
    pt2 = state.px * state.px + state.py * state.py
    momentum = np.sqrt(pt2 + state.pz * state.pz)
    path = momentum / state.pz
    path *= part
    presence = slab.presence(radius, step.field.z)
    if presence is not None:
        path *= presence
    lost = material.energy_loss(momentum, path * slab.iron_at(radius, step.field.z), state.straggling)
    left = momentum - lost
    state.alive &= left > STOPPED
    np.maximum(left, np.float32(STOPPED), out=left)
    angle = material.scattering_angle(momentum, path * slab.radiation_lengths, slab.radiation_lengths)
    _scatter(state, momentum, np.sqrt(pt2), angle, left, random)


def _scatter(
    state: State,
    momentum: np.ndarray,
    transverse: np.ndarray,
    angle: np.ndarray,
    left: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Tilt the momentum by two normal angles of width `angle`, and set its magnitude to `left`."""
    count = len(angle)
    # Across the track: first around the beam, along (-py, px, 0), then in the plane of the beam.
    around = random.standard_normal(count, dtype=np.float32)
    around *= angle * momentum / transverse
    within = random.standard_normal(count, dtype=np.float32)
    within *= angle
    px = state.px - around * state.py - (within / transverse) * state.pz * state.px
    py = state.py + around * state.px - (within / transverse) * state.pz * state.py
    pz = state.pz + within * transverse
    scale = left / np.sqrt(px * px + py * py + pz * pz)
    state.px, state.py = px * scale, py * scale
    state.alive &= pz > 0.05
    state.pz = np.maximum(pz * scale, np.float32(0.05))


def _record(crossings: Crossings, plane: int, state: State) -> None:
    crossings.x[plane] = state.x
    crossings.y[plane] = state.y
    crossings.slope_x[plane] = state.px / state.pz
    crossings.slope_y[plane] = state.py / state.pz
    crossings.reached[plane] = state.alive
