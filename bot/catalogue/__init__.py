"""access.yaml: who can get what, where, for how long, on whose word."""

from bot.catalogue.load import PROVIDERS, File, Loaded, inspect, load, load_text
from bot.catalogue.problems import CatalogueError, Problem, Severity
from bot.catalogue.schema import schema
from bot.catalogue.table import describe

__all__ = [
    "PROVIDERS",
    "CatalogueError",
    "File",
    "Loaded",
    "Problem",
    "Severity",
    "describe",
    "inspect",
    "load",
    "load_text",
    "schema",
]
