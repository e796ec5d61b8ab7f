"""The network of another analysis as a baseline."""

import pytest

from fivesigma.analysis.file import dump, load
from fivesigma.baselines.of_run import analysis_of
from fivesigma.baselines.other_network import OtherNetworkKind
from fivesigma.errors import AnalysisError


@pytest.mark.parametrize("base", ["hepmass", "muon-pt"])
def test_a_baseline_can_unset_what_its_analysis_sets(base):
    settings = {"parameters": None, "train.patience": None, "train.epochs": 7}
    own = load(base, {"baselines": {"other": {"kind": "network", "analysis": base, "settings": settings}}})
    for analysis in (own, load_again(own)):
        other = analysis_of(analysis.baselines["other"], analysis)
        assert (other.train.patience, other.train.epochs, list(other.parameters)) == (None, 7, [])


def load_again(analysis):
    """As the run folder has it."""
    from fivesigma.analysis.text import read

    return load(read(dump(analysis)))


@pytest.mark.parametrize("name", ["hepmass-firmware", "muon-pt-firmware"])
def test_the_float_network_of_firmware_differs_in_its_numbers_alone(name):
    """A comparison with a network that knows the mass, or stops early, would be unfair."""
    pytest.importorskip("hgq", reason="the extra `firmware` is not installed")
    own = load(name)
    other = analysis_of(own.baselines["float"], own)
    assert list(other.parameters) == list(own.parameters) == []
    assert other.train.patience is own.train.patience is None
    assert (other.train.epochs, other.model.layers) == (own.train.epochs, own.model.layers)
    shorter = load(name, {"train.epochs": 8, "model.layers": [9]})
    other = analysis_of(shorter.baselines["float"], shorter)
    assert (other.train.epochs, other.model.layers) == (8, [9])


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("train.epoch", "did you mean 'epochs'"),
        ("model.layers.first", "no key that can be shared"),
        ("split.test", "has no 'split' of its own"),
        ("evaluate", "has no 'evaluate' of its own"),
    ],
)
def test_a_shared_setting_that_there_is_not_is_one_sentence(key, said):
    own = load("hepmass", {"baselines": {"other": {"kind": "network", "analysis": "hepmass", "same": [key]}}})
    with pytest.raises(AnalysisError, match=said):
        analysis_of(own.baselines["other"], own)


def test_a_setting_given_on_the_command_line_leaves_the_rest_of_its_section():
    firmware = load("muon-pt-firmware", {"baselines.float.settings.train.epochs": 7})
    settings = firmware.baselines["float"]
    network = OtherNetworkKind().analysis_of(settings, firmware)
    plain = load("muon-pt").train
    assert (network.train.epochs, network.train.batch_size) == (7, 1024)
    assert (network.train.loss, network.train.learning_rate, network.train.schedule) == (
        plain.loss,
        plain.learning_rate,
        plain.schedule,
    )
