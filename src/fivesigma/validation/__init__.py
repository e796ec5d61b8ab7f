"""The simulation against published figures: every comparison is a row with a target, a value and a verdict."""

from fivesigma.validation.comparison import Comparison, Rule, count_passes

__all__ = ["Comparison", "Rule", "count_passes"]
