"""`fivesigma init`."""

from fivesigma.analysis.file import builtin_names, source_text
from fivesigma.cli.options import AnalysisName
from fivesigma.errors import AnalysisError, did_you_mean


def init(analysis: AnalysisName) -> None:
    """Print a built-in analysis file, to copy and edit: fivesigma init hepmass > my.yaml."""
    if analysis not in builtin_names():
        raise AnalysisError(f"no built-in analysis {analysis!r}; {did_you_mean(analysis, builtin_names())}")
    print(source_text(analysis), end="")
