"""The verb `init`: a built-in analysis file, to copy and edit."""

from fivesigma.analysis.file import builtin_names, source_text
from fivesigma.errors import AnalysisError, did_you_mean

HEAD = """\
# yaml-language-server: $schema=fivesigma.schema.json
# (The line above is for editors that complete and check keys; `fivesigma schema > fivesigma.schema.json` makes the file.)
"""


def init(analysis: str) -> str:
    """The text of a built-in analysis file, below a line that tells editors where its schema is.

    Raises:
        AnalysisError: if there is no analysis of that name.
    """
    if analysis not in builtin_names():
        raise AnalysisError(f"no built-in analysis {analysis!r}; {did_you_mean(analysis, builtin_names())}")
    return HEAD + source_text(analysis)
