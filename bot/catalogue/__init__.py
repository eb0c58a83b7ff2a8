"""access.yaml: who can get what, where, for how long, on whose word."""

from bot.catalogue.load import Loaded, inspect, load
from bot.catalogue.problems import CatalogueError, Problem, Severity
from bot.catalogue.schema import schema
from bot.catalogue.table import describe

__all__ = ["CatalogueError", "Loaded", "Problem", "Severity", "describe", "inspect", "load", "schema"]
