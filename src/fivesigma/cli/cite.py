"""`fivesigma cite`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Output, RunName


def cite(run: RunName, output: Output = RUNS, as_json: Json = False) -> None:
    """Print BibTeX for what to cite for a run: the references of its analysis, the programs and the methods it used."""
    from fivesigma.verbs import cite

    found = cite.cite(run, output)
    listed = [{"key": each.key, "why": each.why, "bibtex": str(each)} for each in found]
    Terminal(as_json=as_json).result("\n\n".join(str(each) for each in found), {"citations": listed})
