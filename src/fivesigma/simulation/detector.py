"""What a detector measures of the generated particles: one isolated lepton, jets, b-tags, missing momentum.

A parametrised detector: truth momenta are smeared with resolutions and kept with efficiencies that depend on
transverse momentum and direction; no material, no tracks. Arrays of particles are flat with an event index,
arrays of jets are padded to the largest number of jets with zeros.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.errors import SimulationError
from fivesigma.kinematics import azimuth, delta_r, pseudorapidity, transverse_momentum

ELECTRON, MUON = 11, 13
NEUTRINOS = (12, 14, 16)
CHARM, BOTTOM = 4, 5
PLACES_MIN = 4  # jets are padded to at least as many as an event must have, even in a batch without any


@dataclass(frozen=True)
class Detector:
    """Acceptance, resolution and efficiency. GeV, radians, or pure numbers.

    "published" marks values read off the published HEPMASS sample (Baldi et al., arXiv:1601.07913);
    "fitted" marks values chosen so that the simulated distributions agree with the published ones.
    """

    lepton_pt_min: float = 15.0  # published: smallest lepton pT of the sample
    lepton_eta_max: float = 2.5  # published: largest lepton |eta| of the sample
    lepton_resolution: float = 0.015  # relative; of the size of ATLAS' expected performance, arXiv:0901.0512
    isolation_cone: float = 0.5  # delta R around the lepton; the default of Delphes, arXiv:1307.6346
    isolation_particle_pt: float = 0.5  # GeV, softer particles do not count; default of Delphes
    isolation_max: float = 0.10  # sum of pT in the cone over lepton pT; default of Delphes' ATLAS card
    calorimeter_eta_max: float = 4.9  # end of a forward calorimeter; ATLAS, arXiv:0901.0512
    jet_radius: float = 0.6  # anti-kT; fitted: 0.4 and 0.5 give too many jets for heavy resonances
    jet_pt_min: float = 20.0  # published: smallest pT of the fourth jet
    jet_eta_max: float = 3.0  # published: largest |eta| of a jet
    jet_scale: float = 0.97  # measured over true jet pT; fitted
    jet_stochastic: float = 0.8  # sigma(pT)/pT = stochastic/sqrt(pT) + constant, in quadrature; fitted
    jet_constant: float = 0.05  # fitted
    met_resolution: float = 10.0  # GeV for each component, from everything that is not a jet; fitted
    tag_slope: float = 0.032  # per GeV: b-tag efficiency ~ tanh(slope pT - offset); form of Delphes' cards
    tag_offset: float = 0.5  # as above; fitted
    tag_plateau: float = 1.0  # not physical: exactly two tags are asked for, so it nearly cancels
    tag_forward_eta: float = 1.2  # |eta| beyond which the efficiency is lower; form of Delphes' cards
    tag_forward_factor: float = 0.8  # by this factor; fitted
    tag_eta_max: float = 2.5  # end of the tracker: no tags beyond
    tag_charm: float = 0.4  # charm over bottom efficiency; fitted
    tag_light: float = 0.002  # mistag rate of light quarks and gluons, ATLAS, arXiv:0901.0512
    flavour_cone: float = 0.5  # a jet has the flavour of a quark within this delta R; default of Delphes
    flavour_pt_min: float = 1.0  # GeV, softer quarks give a jet no flavour; default of Delphes

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value >= 0):
                raise SimulationError(f"detector setting {field.name} = {value} must be a number of at least 0")
        if self.jet_radius == 0 or self.jet_pt_min == 0:
            raise SimulationError("detector settings jet_radius and jet_pt_min must be above 0")


@dataclass(frozen=True)
class Particles:
    """Final-state particles of a batch of events, flat and ordered by event.

    Attributes:
        events: number of events in the batch.
        event: index of each particle's event within the batch, [particle].
        identity: Particle Data Group number, [particle].
        momentum: four-vectors, GeV, [particle, component].
        quark_event, quark_identity, quark_momentum: the same for charm and bottom quarks after the shower,
            which are among the particles only when nothing was hadronised.
    """

    events: int
    event: NDArray[np.int64]
    identity: NDArray[np.int32]
    momentum: NDArray[np.float64]
    quark_event: NDArray[np.int64]
    quark_identity: NDArray[np.int32]
    quark_momentum: NDArray[np.float64]


@dataclass(frozen=True)
class Leptons:
    """Isolated leptons of the events that have exactly one: index into the particles, momentum, smearing."""

    particle: NDArray[np.int64]
    momentum: NDArray[np.float64]
    smearing: NDArray[np.float64]


@dataclass(frozen=True)
class Jets:
    """Jets of a batch, flat: momentum after scale and smearing, and the part that the smearing added."""

    event: NDArray[np.int64]
    momentum: NDArray[np.float64]
    smearing: NDArray[np.float64]
    tagged: NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """What the detector saw of the events with exactly one isolated lepton.

    Attributes:
        event: index within the generated batch, [event].
        lepton: four-vectors [event, component].
        lepton_identity: Particle Data Group number, [event]; negative for positive charge.
        missing: missing transverse momentum (x, y), GeV [event, 2].
        jets: four-vectors in falling pT, zeros where there are fewer, [event, jet, component].
        tagged: b-tag, [event, jet].
    """

    event: NDArray[np.int64]
    lepton: NDArray[np.float64]
    lepton_identity: NDArray[np.int32]
    missing: NDArray[np.float64]
    jets: NDArray[np.float64]
    tagged: NDArray[np.bool_]


def measure(particles: Particles, detector: Detector, random: np.random.Generator) -> Measured:
    """Measure a batch of events; those without exactly one isolated lepton are dropped."""
    leptons = isolated_leptons(particles, detector, random)
    event = particles.event[leptons.particle]
    jets = measured_jets(particles, leptons, detector, random)
    row = np.full(particles.events, -1)
    row[event] = np.arange(len(event))
    padded, tagged = pad_jets(jets, row[jets.event], len(event), detector)
    missing = missing_momentum(particles, leptons, jets, detector, random)[event]
    identity = particles.identity[leptons.particle]
    return Measured(event, leptons.momentum, identity, missing, padded, tagged)


def isolated_leptons(particles: Particles, detector: Detector, random: np.random.Generator) -> Leptons:
    """The electron or muon of each event that has exactly one isolated electron or muon in acceptance."""
    kind = np.abs(particles.identity)
    charged = np.flatnonzero((kind == ELECTRON) | (kind == MUON))
    truth = particles.momentum[charged]
    factor = 1.0 + detector.lepton_resolution * random.standard_normal(len(charged))
    momentum = truth * np.maximum(factor, 0.0)[:, None]
    pt, eta = transverse_momentum(momentum), pseudorapidity(momentum)
    accepted = (pt > detector.lepton_pt_min) & (np.abs(eta) < detector.lepton_eta_max)
    charged, momentum, truth = charged[accepted], momentum[accepted], truth[accepted]
    activity = cone_activity(particles, charged, detector)
    isolated = activity < detector.isolation_max * pt[accepted]
    charged, momentum, truth = charged[isolated], momentum[isolated], truth[isolated]
    per_event = np.bincount(particles.event[charged], minlength=particles.events)
    single = per_event[particles.event[charged]] == 1
    return Leptons(charged[single], momentum[single], (momentum - truth)[single])


def cone_activity(particles: Particles, centre: NDArray[np.int64], detector: Detector) -> NDArray[np.float64]:
    """Scalar sum of the visible pT around each particle in `centre`, itself left out, GeV [centre]."""
    pt = transverse_momentum(particles.momentum)
    counted = visible(particles, detector) & (pt > detector.isolation_particle_pt)
    eta, phi = pseudorapidity(particles.momentum), azimuth(particles.momentum)
    row, other = same_event_pairs(particles.event[centre], particles.event)
    near = delta_r(eta[centre][row], phi[centre][row], eta[other], phi[other]) < detector.isolation_cone
    near &= counted[other] & (other != centre[row])
    activity = np.zeros(len(centre))
    np.add.at(activity, row[near], pt[other[near]])
    return activity


def same_event_pairs(event: NDArray[np.int64], ordered: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions (i, j) of all pairs with event[i] == ordered[j]; `ordered` must rise.

    >>> same_event_pairs(np.array([1, 0]), np.array([0, 1, 1]))
    (array([0, 0, 1]), array([1, 2, 0]))
    """
    first = np.searchsorted(ordered, event, side="left")
    size = np.searchsorted(ordered, event, side="right") - first
    row = np.repeat(np.arange(len(event)), size)
    before = np.cumsum(size) - size
    return row, np.arange(len(row)) - np.repeat(before - first, size)


def visible(particles: Particles, detector: Detector) -> NDArray[np.bool_]:
    """Whether each particle leaves energy in the detector: no neutrino, and within the calorimeters."""
    inside = np.abs(pseudorapidity(particles.momentum)) < detector.calorimeter_eta_max
    return inside & ~np.isin(np.abs(particles.identity), NEUTRINOS)


def measured_jets(particles: Particles, leptons: Leptons, detector: Detector, random: np.random.Generator) -> Jets:
    """Jets of the events with a lepton: clustered without the lepton, scaled, smeared and tagged."""
    clustered = visible(particles, detector)
    clustered[leptons.particle] = False
    wanted = np.zeros(particles.events, np.bool_)
    wanted[particles.event[leptons.particle]] = True
    clustered &= wanted[particles.event]
    event, truth = cluster(particles.event[clustered], particles.momentum[clustered], detector)
    scaled = truth * detector.jet_scale
    resolution = jet_resolution(transverse_momentum(scaled), detector)
    # A jet cannot be measured backwards: the far lower tail ends at zero momentum.
    momentum = scaled * np.maximum(1.0 + resolution * random.standard_normal(len(event)), 0.0)[:, None]
    flavour = jet_flavour(event, truth, particles, detector)
    chance = tag_probability(transverse_momentum(momentum), pseudorapidity(truth), flavour, detector)
    return Jets(event, momentum, momentum - scaled, random.random(len(event)) < chance)


def cluster(
    event: NDArray[np.int64], momentum: NDArray[np.float64], detector: Detector
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Anti-kT jets of flat particles ordered by event: event index [jet] and four-vectors [jet, component].

    Source: Cacciari, Salam, Soyez, arXiv:0802.1189 (the algorithm) and arXiv:1111.6097 (FastJet).
    """
    fastjet = extras.fastjet()
    import awkward as ak

    # FastJet announces itself on standard output at its first clustering, unless it has no stream to do so.
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    present, counts = np.unique(event, return_counts=True)
    if not len(present):
        return np.zeros(0, np.int64), np.zeros((0, 4))
    components = {name: np.ascontiguousarray(momentum[:, i]) for i, name in enumerate(("px", "py", "pz", "E"))}
    jagged = ak.unflatten(ak.zip(components, with_name="Momentum4D"), counts)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, float(detector.jet_radius))
    # What lies below 0.4 of the threshold, smearing does not lift over it.
    found = fastjet.ClusterSequence(jagged, definition).inclusive_jets(detector.jet_pt_min / 2.5)
    flat = ak.flatten(found)
    vectors = np.stack([np.asarray(flat[name]) for name in components], axis=-1)
    return np.repeat(present, np.asarray(ak.num(found))), vectors


def jet_resolution(pt: NDArray[np.float64], detector: Detector) -> NDArray[np.float64]:
    """Relative resolution of jet pT: stochastic and constant term in quadrature [...].

    >>> float(jet_resolution(np.array(100.0), Detector(jet_stochastic=0.8, jet_constant=0.06)))
    0.1
    """
    return np.sqrt(detector.jet_stochastic**2 / pt + detector.jet_constant**2)


def jet_flavour(
    event: NDArray[np.int64], momentum: NDArray[np.float64], particles: Particles, detector: Detector
) -> NDArray[np.int64]:
    """Heaviest quark near each jet: 5 bottom, 4 charm, 0 neither [jet]."""
    hard = transverse_momentum(particles.quark_momentum) > detector.flavour_pt_min
    quark_event, quarks = particles.quark_event[hard], particles.quark_momentum[hard]
    kind = np.abs(particles.quark_identity[hard]).astype(np.int64)
    row, other = same_event_pairs(event, quark_event)
    eta, phi = pseudorapidity(momentum), azimuth(momentum)
    quark_eta, quark_phi = pseudorapidity(quarks), azimuth(quarks)
    near = delta_r(eta[row], phi[row], quark_eta[other], quark_phi[other]) < detector.flavour_cone
    flavour = np.zeros(len(event), np.int64)
    np.maximum.at(flavour, row[near], kind[other[near]])
    return flavour


def tag_probability(
    pt: NDArray[np.float64], eta: NDArray[np.float64], flavour: NDArray[np.int64], detector: Detector
) -> NDArray[np.float64]:
    """Probability that a jet is b-tagged [jet], from its pT, pseudorapidity and true flavour (5, 4 or 0)."""
    rising = np.maximum(np.tanh(detector.tag_slope * pt - detector.tag_offset), 0.0) * detector.tag_plateau
    heavy = np.where(flavour == BOTTOM, rising, detector.tag_charm * rising)
    chance = np.where(flavour == 0, detector.tag_light, heavy)
    chance = np.where(np.abs(eta) > detector.tag_forward_eta, chance * detector.tag_forward_factor, chance)
    return np.where(np.abs(eta) < detector.tag_eta_max, chance, 0.0)


def pad_jets(
    jets: Jets, row: NDArray[np.int64], rows: int, detector: Detector
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Accepted jets in falling pT as padded arrays: four-vectors [event, jet, component], tags [event, jet].

    Args:
        row: the row of each jet's event in the result, [jet].
        rows: number of events in the result.
    """
    pt, eta = transverse_momentum(jets.momentum), pseudorapidity(jets.momentum)
    accepted = np.flatnonzero((pt > detector.jet_pt_min) & (np.abs(eta) < detector.jet_eta_max))
    order = accepted[np.lexsort((-pt[accepted], row[accepted]))]
    counts = np.bincount(row[order], minlength=rows)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = int(counts.max(initial=PLACES_MIN))
    momentum, tagged = np.zeros((rows, width, 4)), np.zeros((rows, width), np.bool_)
    momentum[row[order], place] = jets.momentum[order]
    tagged[row[order], place] = jets.tagged[order]
    return momentum, tagged


def missing_momentum(
    particles: Particles, leptons: Leptons, jets: Jets, detector: Detector, random: np.random.Generator
) -> NDArray[np.float64]:
    """Missing transverse momentum (x, y) of every event of the batch, GeV [event, 2].

    The neutrinos' true sum, minus what smearing added to the jets and the lepton (a calibrated detector
    corrects the mean jet scale, so that does not enter), plus noise.
    """
    invisible = np.isin(np.abs(particles.identity), NEUTRINOS)
    parts = [
        (particles.event[invisible], particles.momentum[invisible]),
        (jets.event, -jets.smearing),
        (particles.event[leptons.particle], -leptons.smearing),
    ]
    missing = detector.met_resolution * random.standard_normal((particles.events, 2))
    for event, momentum in parts:
        for axis in (0, 1):
            missing[:, axis] += np.bincount(event, weights=momentum[:, axis], minlength=particles.events)
    return missing
