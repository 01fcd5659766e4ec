"""Lines and zones: what the path of an object means."""

from winnow.pipeline.rules.rules import Crossed, Entered, Exited, RuleOutcome, Rules, Sighting

__all__ = ["Crossed", "Entered", "Exited", "RuleOutcome", "Rules", "Sighting"]
