"""Put together what is exported from a run: its networks, and the columns or features that they take."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.firmware import Firmware
from fivesigma.data.plan import Plan
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Input, networks_of
from fivesigma.deployment.columns import DOUBLE, SINGLE, needs_lists
from fivesigma.deployment.events import is_single
from fivesigma.deployment.metadata import as_text, describe
from fivesigma.deployment.ports import masks_of
from fivesigma.errors import AnalysisError, did_you_mean
from fivesigma.expressions import Expression
from fivesigma.runs.folder import RunFolder
from fivesigma.training.folds import Folds
from fivesigma.training.network import Network

COLUMNS = "columns"


def of_features(folder: RunFolder, analysis: Analysis, scorer: Network | Folds, fixed: Mapping[str, float]) -> Deliverable:
    """A model that takes the features as one array, and the parameters that are not fixed as another."""
    features = scorer.recipe.features
    free = [name for name in scorer.recipe.parameters if name not in fixed]
    inputs = [Input(FEATURES, SINGLE, len(features)), *([Input(PARAMETERS, SINGLE, len(free))] if free else [])]
    found = Deliverable(
        task=analysis.task,
        networks=networks_of(scorer),
        inputs=tuple(inputs),
        formulas=None,
        features=features,
        missing_values=(),
        fixed=dict(fixed),
        metadata={},
        classes=analysis.classes,
    )
    return replace(found, metadata=describe(folder, analysis, inputs, features, fixed))


def of_columns(
    folder: RunFolder,
    plan: Plan,
    types: Mapping[str, str],
    scorer: Network | Folds,
    fixed: Mapping[str, float],
    firmware: Firmware | None = None,
    half: Collection[str] = (),
) -> Deliverable:
    """A model that takes the columns of the files, one input each, and computes new variables itself.

    Args:
        folder: of the run.
        plan: of the analysis and its first file.
        types: of the columns; one that is stored in single precision is an input in single precision.
        scorer, fixed: as for `of_features`.
        firmware: ports; then the columns that say what is missing are inputs, too.
        half: columns that some file holds in half precision.

    Raises:
        AnalysisError: if a feature takes elements of lists, or `firmware` names what is no column.
    """
    features, formulas = scorer.recipe.features, _formulas(plan, scorer.recipe.features)
    lists = [text for text, formula in formulas.items() if needs_lists(formula)]
    if lists:
        raise AnalysisError(
            f"{lists[0]!r} takes elements of a list per event, and an exported model takes one number per column",
            hint="export with --inputs features, and compute the features where the model runs",
        )
    names = plan.columns(list(features))
    if firmware is not None:
        firmware.check_names(plan.available)
        names = plan.columns([*names, *masks_of(firmware, names)])
    named = [name for name in names if plan.markers_of(name) != tuple(plan.analysis.missing_values)]
    if named:
        raise AnalysisError(
            f"the input {named[0]!r} is the label or the event number as well, to which `missing_values` do not apply",
            hint="export with --inputs features",
        )
    clash = [name for name in scorer.recipe.parameters if name in names]
    if clash:
        raise AnalysisError(
            f"{clash[0]!r} is a parameter and a column of the features", hint="export with --inputs features"
        )
    inputs = [Input(name, SINGLE if is_single(types[name]) else DOUBLE, half=name in half) for name in names]
    inputs += [Input(name, SINGLE) for name in scorer.recipe.parameters if name not in fixed]
    metadata = describe(folder, plan.analysis, inputs, features, fixed)
    metadata["formulas"] = as_text({name: formula.text for name, formula in formulas.items()})
    return Deliverable(
        task=plan.analysis.task,
        networks=networks_of(scorer),
        inputs=tuple(inputs),
        formulas=formulas,
        features=features,
        missing_values=tuple(plan.analysis.missing_values),
        fixed=dict(fixed),
        metadata=metadata,
        firmware=firmware,
        classes=plan.analysis.classes,
    )


def columns_by_default(plan: Plan, features: Sequence[str]) -> bool:
    """Whether columns are the better inputs: some features are computed, and all of them from numbers."""
    formulas = _formulas(plan, features)
    return bool(formulas) and not any(needs_lists(formula) for formula in formulas.values())


def check_fixed(fixed: Mapping[str, float], parameters: Sequence[str]) -> None:
    """Refuse values of parameters that the network does not have."""
    for name in fixed:
        if name not in parameters:
            known = did_you_mean(name, parameters) if parameters else "it has none"
            raise AnalysisError(f"the network has no parameter {name!r}; {known}")


def _formulas(plan: Plan, features: Sequence[str]) -> dict[str, Expression]:
    """Every new variable and expression that the features pass through, by name."""
    names = sorted({name for feature in features for name in plan.passes(feature)} - set(plan.available))
    found = {name: plan.formulas.get(name) or plan.formula(name) for name in names}
    return {name: formula for name, formula in found.items() if isinstance(formula, Expression)}
