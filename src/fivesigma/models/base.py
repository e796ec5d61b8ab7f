"""The interface of a network kind: settings, and a function that builds the Keras model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from fivesigma.analysis.section import Section
from fivesigma.analysis.train import Train
from fivesigma.errors import AnalysisError
from fivesigma.models.stages import Stages


class Inputs(int):
    """Number of inputs of a network, parameters included: an `int` that also says what else the network must fit.

    Attributes:
        outputs: 1 for two classes or a regression, else the number of classes.
        link: activation that the output must end in: `sigmoid` (two classes), `softmax` (more) or `linear` (regression).
        parameters: number of physics parameters, which are the last inputs.
        names: names of the inputs.
        seed: for the initial weights and for dropout.

    >>> inputs = Inputs(4, outputs=1, link="sigmoid", parameters=1)
    >>> inputs + 1, inputs.link
    (5, 'sigmoid')
    """

    outputs: int
    link: str
    parameters: int
    names: tuple[str, ...]
    seed: int

    def __new__(
        cls,
        count: int,
        *,
        outputs: int = 1,
        link: str = "linear",
        parameters: int = 0,
        names: tuple[str, ...] = (),
        seed: int = 0,
    ) -> Self:
        found = super().__new__(cls, count)
        found.outputs, found.link, found.parameters = outputs, link, parameters
        found.names, found.seed = names, seed
        return found


@dataclass(frozen=True)
class ModelKind:
    """A kind of network; what a plug-in registers in the group `models`.

    Attributes:
        name: what `model.kind` in the analysis file says.
        settings: a `Section` with a field `kind`.
        build: (settings, inputs) → an untrained `keras.Model`, [event, input] → [event, output].
        label: (settings) → the network in a few words.
        widest: (settings) → units of the widest layer, if known; one program may then train several small networks of
            one shape.
        stages: (settings, model) → what its training changes in stages; None for a training without stages.
        objection: (settings, `train` section) → why that training does not suit it, in a sentence; empty if it does.
    """

    name: str
    settings: type[Section]
    build: Callable[[Any, Inputs], Any]
    label: Callable[[Any], str] = lambda settings: str(settings.kind)
    widest: Callable[[Any], int | None] = lambda settings: None
    stages: Callable[[Any, Any], Stages | None] = lambda settings, model: None
    objection: Callable[[Any, Train], str] = lambda settings, train: ""


def check_model(model: Any, inputs: Inputs, where: str, library: str = "fivesigma") -> None:
    """Refuse a Keras model that the training loop cannot train, or that no other process can read from a file.

    Args:
        model: as a kind has built it.
        inputs: inputs, outputs and activation that it must fit.
        where: its name in messages.
        library: package of the kind; another process has what it registers with Keras, but not what a script registers.

    Raises:
        AnalysisError: if it does not fit; says why.
    """
    import numpy as np

    from fivesigma.models.backend import keras, last_operation

    if not isinstance(model, keras().Model):
        raise AnalysisError(f"{where} returned {type(model).__name__}, not a keras.Model")
    wanted = [(None, int(inputs)), (None, inputs.outputs)]
    try:
        shapes = [model.input_shape, model.output_shape]
        named = [isinstance(getattr(model, f"_{side}_struct", None), dict) for side in ("inputs", "outputs")]
    except (AttributeError, ValueError) as error:
        raise AnalysisError(f"{where} returned a model without a shape: {error}", hint="begin with keras.Input") from None
    if shapes != wanted or any(named):
        told = [f"{'a dictionary of ' if is_named else ''}{shape}" for shape, is_named in zip(shapes, named, strict=True)]
        raise AnalysisError(
            f"{where} returned a model from {told[0]} to {told[1]}; it must go from {wanted[0]} to {wanted[1]}",
            hint="one input of two dimensions, one output, neither of them in a dictionary",
        )
    saving = keras().saving
    registered = saving.get_custom_objects()
    own = {
        name: value
        for name, value in registered.items()
        if str(getattr(value, "__module__", "")).partition(".")[0] not in ("keras", "hgq", library)
    }
    for name in own:
        del registered[name]
    try:
        saving.deserialize_keras_object(saving.serialize_keras_object(model), safe_mode=True)
    except Exception as error:  # whatever a layer raises
        raise AnalysisError(
            f"{where} returned a model that could not be read from a file again: {' '.join(str(error).split())[:200]}",
            hint="a run only keeps models that can be read without running code from the file: in place of "
            "keras.layers.Lambda, functions and layers of your own, take layers of Keras, such as Rescaling or Activation",
        ) from None
    finally:
        registered.update(own)
    if inputs.link == "linear":
        return
    drawn = np.random.default_rng(0).normal(size=(64, int(inputs)))
    outputs = np.concatenate([model(size * drawn.astype(np.float32)) for size in (1, 100)])
    sums = outputs.sum(axis=1) if inputs.link == "softmax" else np.ones(1)
    last = getattr(getattr(last_operation(model)[0], "activation", None), "__name__", "")
    other = last in {"linear", "sigmoid", "softmax"} - {inputs.link}
    if other or outputs.min() < 0 or outputs.max() > 1 or np.abs(sums - 1).max() > 1e-3:
        raise AnalysisError(
            f"{where} returned a model whose outputs are not probabilities",
            hint=f"end it in keras.layers.Activation({inputs.link!r})",
        )
