"""`fivesigma cite`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Output, RunName


def cite(run: RunName, output: Output = RUNS, as_json: Json = False) -> None:
    """Print what to cite for a run, as BibTeX: its references, and the programs and methods it used."""
    from fivesigma.verbs import cite

    found = cite.cite(run, output)
    listed = [{"key": each.key, "why": each.why, "bibtex": str(each)} for each in found]
    Terminal(as_json=as_json).result("\n\n".join(str(each) for each in found), {"citations": listed})
