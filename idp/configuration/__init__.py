"""The configuration file: people, projects, APIs and clients as one text that can be applied again and again."""

from __future__ import annotations

from idp.configuration.apply import apply
from idp.configuration.problems import ConfigurationError, Problem
from idp.configuration.prune import Prune
from idp.configuration.report import Change, Report

__all__ = ["Change", "ConfigurationError", "Problem", "Prune", "Report", "apply"]
