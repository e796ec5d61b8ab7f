"""`python -m fivesigma`."""

from fivesigma.cli.main import main

main()
