"""Pythia 8: how it is set up for resonance and Standard-Model top pairs, and how its events are read.

Source: Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3", arXiv:2203.11601.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.errors import SimulationError
from fivesigma.simulation.detector import BOTTOM, CHARM, Particles

PICOBARN_PER_MILLIBARN = 1e9
MAX_TRIES = 10.0  # Pythia skips an event that fails, and gives up after this many times the events asked for
PYTHIA_SEEDS = 900_000_000  # Pythia accepts the seeds 1 to this
LIBRARIES = ("pythia8mc", "fastjet")  # what generates particles and makes jets of them; other versions may give other events

# What each fidelity simulates beyond the hard process, the parton shower and the decays.
FIDELITIES: dict[str, tuple[str, ...]] = {
    # Gluons below 2 GeV change nothing that 20 GeV jets see; leaving them out makes events 2.7 times faster.
    "parton": ("PartonLevel:MPI = off", "HadronLevel:all = off", "TimeShower:pTmin = 2.0"),
    "hadron": ("PartonLevel:MPI = off", "HadronLevel:all = on"),
    "full": ("PartonLevel:MPI = on", "HadronLevel:all = on"),
}

_COMMON = (
    # By default the shower off a top pair starts at the kinematic limit, because there is no light parton
    # in the final state; the published sample is described only with a start limited by the hard scale.
    "SpaceShower:pTmaxMatch = 1",
    "SpaceShower:pTmaxFudge = 0.7",
    # GeV; near the Particle Data Group's average, and what most simulations of the experiments use.
    "6:m0 = 172.5",
)
_BACKGROUND = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")
# Bottom and charm hadrons decay to neutrinos, which jets lack and the missing momentum gains. Where nothing
# is hadronised that is put in by hand: the probability of any neutrino, and the two parameters of a beta
# distribution of their share of the quark's momentum. Measured in this generator's own hadronised top pairs
# (8,000 events): 0.39 to 0.45 for bottom, 0.20 to 0.23 for charm, shares of 0.20 to 0.22 with deviation 0.16.
NEUTRINO_CHANCE = {CHARM: 0.21, BOTTOM: 0.41}
NEUTRINO_SHARE = (1.15, 4.5)
# Number of these neutrinos; a W boson makes none of this kind here, so that they can be told apart.
DECAY_NEUTRINO = 16

_LEPTONS, _QUARKS = "11 13", "1 2 3 4 5"
_POSITIVE_LEPTON = ("24:onMode = off", f"24:onPosIfAny = {_LEPTONS}", f"24:onNegIfAny = {_QUARKS}")
_NEGATIVE_LEPTON = ("24:onMode = off", f"24:onNegIfAny = {_LEPTONS}", f"24:onPosIfAny = {_QUARKS}")


@dataclass(frozen=True)
class Generated:
    """A batch of generated events.

    Attributes:
        particles: the final state; at parton level with the neutrinos of heavy-flavour decays.
        weight: Pythia's event weight, [event].
        hard_mass: invariant mass of the top pair in the hard process, before its radiation, GeV [event].
    """

    particles: Particles
    weight: NDArray[np.float64]
    hard_mass: NDArray[np.float64]


def commands(mass: float | None, width: float, sqrt_s: float, fidelity: str, seed: int) -> tuple[str, ...]:
    """Pythia's settings for a scalar of this mass that decays to top pairs, or for the background (None).

    Args:
        mass: GeV.
        width: relative to the mass.
        sqrt_s: energy of the proton collision, GeV.
        fidelity: a key of `FIDELITIES`.
        seed: 1 to 900,000,000.
    """
    process: tuple[str, ...] = _BACKGROUND
    if mass is not None:
        process = (
            "HiggsSM:gg2H = on",
            f"25:m0 = {mass!r}",
            f"25:mWidth = {width * mass!r}",
            "25:doForceWidth = on",
            "25:onMode = off",
            "25:onIfAny = 6",
        )
    start = ("Print:quiet = on", f"Beams:eCM = {sqrt_s!r}", "Random:setSeed = on", f"Random:seed = {seed}")
    return (*start, *process, *_COMMON, *FIDELITIES[fidelity], *_POSITIVE_LEPTON)


class Generator:
    """One initialised Pythia: a source of batches of lepton + jets top-pair events."""

    def __init__(self, mass: float | None, width: float, sqrt_s: float, fidelity: str, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._pythia: Any = extras.pythia8().Pythia("", False)
        self._hadrons = fidelity != "parton"
        self._obey(commands(mass, width, sqrt_s, fidelity, seed))
        if not self._pythia.init():
            what = "background" if mass is None else f"m = {mass:g} GeV"
            raise SimulationError(f"Pythia cannot be initialised for {what}, sqrt(s) = {sqrt_s:g} GeV")

    def _obey(self, settings: tuple[str, ...]) -> None:
        for setting in settings:
            if not self._pythia.readString(setting):
                raise SimulationError(f"this version of Pythia does not know {setting!r}")

    def batch(self, events: int) -> Generated:
        """The next `events` events, an even number; positive and negative leptons alternate."""
        import awkward as ak

        halves = []
        for charge in (_POSITIVE_LEPTON, _NEGATIVE_LEPTON):
            # Decay channels can be switched between events, so one initialisation serves both charges.
            self._obey(charge)
            halves.append(self._pythia.nextBatch(events // 2, MAX_TRIES))
        both = ak.concatenate(halves)
        if len(both) < events:
            raise SimulationError(f"Pythia failed in more than {1 - 1 / MAX_TRIES:.0%} of the events")
        generated = read(both[np.arange(events).reshape(2, -1).T.ravel()], self._hadrons)
        if self._hadrons:
            return generated
        return replace(generated, particles=decay_heavy_quarks(generated.particles, self._random))

    def skip(self, events: int) -> None:
        """Generate events like those of `batch` and discard them, to time Pythia alone."""
        for charge in (_POSITIVE_LEPTON, _NEGATIVE_LEPTON):
            self._obey(charge)
            for _ in range(events // 2):
                self._pythia.next()

    def cross_section(self) -> float:
        """Pythia's leading-order cross section to e or mu + jets, pb; after a batch."""
        # Pythia counts the decays that were open at initialisation: one of the two charges of the lepton.
        return 2.0 * float(self._pythia.infoPython().sigmaGen()) * PICOBARN_PER_MILLIBARN


def read(batch: Any, hadrons: bool) -> Generated:
    """Flat arrays from an Awkward array of Pythia events.

    Args:
        batch: what `nextBatch` returns, records `prt` and `info`.
        hadrons: whether quarks were hadronised, so that charm and bottom are no longer final.
    """
    import awkward as ak

    record, counts = ak.flatten(batch.prt), np.asarray(ak.num(batch.prt))
    status, identity = np.asarray(record.status), np.asarray(record.id)
    event = np.repeat(np.arange(len(batch)), counts)
    momentum = np.stack([np.asarray(record.p[name]) for name in ("px", "py", "pz", "e")], axis=-1)
    final = status > 0
    kind = np.abs(identity)
    quarks = np.flatnonzero((kind == CHARM) | (kind == BOTTOM))
    if hadrons:
        # A quark at the end of its shower is one whose daughters are primary hadrons, status 81 to 89.
        daughter = np.asarray(record.daughter1)[quarks] + (np.cumsum(counts) - counts)[event[quarks]]
        quarks = quarks[np.abs(status[daughter]) // 10 == 8]
    else:
        quarks = quarks[final[quarks]]
    particles = Particles(
        events=len(batch),
        event=event[final],
        identity=identity[final],
        momentum=momentum[final],
        quark_event=event[quarks],
        quark_identity=identity[quarks],
        quark_momentum=momentum[quarks],
    )
    weight = np.asarray(ak.flatten(batch.info.weights[:, :1]), np.float64)
    return Generated(particles, weight, np.asarray(batch.info.mHat, np.float64))


def decay_heavy_quarks(particles: Particles, random: np.random.Generator) -> Particles:
    """Give some final bottom and charm quarks a collinear neutrino with a share of their momentum."""
    kind = np.abs(particles.identity)
    heavy = np.flatnonzero((kind == CHARM) | (kind == BOTTOM))
    chance = np.where(kind[heavy] == BOTTOM, NEUTRINO_CHANCE[BOTTOM], NEUTRINO_CHANCE[CHARM])
    share = random.beta(*NEUTRINO_SHARE, size=len(heavy))[:, None]
    decays = random.random(len(heavy)) < chance
    heavy, share = heavy[decays], share[decays]
    momentum = particles.momentum.copy()
    momentum[heavy] *= 1.0 - share
    event = np.concatenate([particles.event, particles.event[heavy]])
    order = np.argsort(event, kind="stable")
    neutrinos = np.full(len(heavy), DECAY_NEUTRINO, particles.identity.dtype)
    return replace(
        particles,
        event=event[order],
        identity=np.concatenate([particles.identity, neutrinos])[order],
        momentum=np.concatenate([momentum, share * particles.momentum[heavy]])[order],
    )
