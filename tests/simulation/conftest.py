import pytest

from fivesigma.simulation import resonance


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of 50 generated collisions, for tests that need a few events in this process."""
    for fidelity in resonance.BATCH_EVENTS:
        monkeypatch.setitem(resonance.BATCH_EVENTS, fidelity, 50)
