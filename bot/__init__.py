"""Temporary production access from Slack: asked for, proved, approved, granted, and gone on time."""

__version__ = "0.1.0"
