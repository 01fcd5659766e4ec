"""A page on loopback on which a person draws zones, lines and masks over a snapshot and gets the YAML."""

from winnow.pipeline.zone_page.plan import Plan, PlanProblemsError, plan_of, settings_of, yaml_of
from winnow.pipeline.zone_page.server import Snapshot, ZonePage, zone_page

__all__ = ["Plan", "PlanProblemsError", "Snapshot", "ZonePage", "plan_of", "settings_of", "yaml_of", "zone_page"]
