"""What every test has: a cache folder of its own, events made from arrays, and hypothesis without a clock."""

import numpy as np
import pytest
from hypothesis import settings

from fivesigma.events import Events
from fivesigma.hashing import fingerprints

settings.register_profile("fivesigma", deadline=None, derandomize=True)
settings.load_profile("fivesigma")


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory):
    """No test reads or writes the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIVESIGMA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def make_events():
    """A function: arrays → Events; what is not given is made up."""

    def make(features, target=None, weight=None, classes=("background", "signal"), parameters=None, number=None, **more):
        features = np.asarray(features, np.float32)
        n = len(features)
        parameters = np.zeros((n, 0)) if parameters is None else np.asarray(parameters)
        return Events(
            features=features,
            feature_names=tuple(f"x{i}" for i in range(features.shape[1])),
            target=np.arange(n) % max(len(classes), 1) if target is None else np.asarray(target),
            weight=np.ones(n) if weight is None else np.asarray(weight, np.float64),
            parameters=parameters.astype(np.float32),
            parameter_names=tuple(f"p{i}" for i in range(parameters.shape[1])),
            classes=tuple(classes),
            event_number=np.arange(n, dtype=np.uint64) if number is None else np.asarray(number, np.uint64),
            fingerprint=fingerprints([*features.T]),
            **more,
        )

    return make
