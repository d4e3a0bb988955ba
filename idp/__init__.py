"""The deployment: settings, pages, server and commands."""

VERSION = "0.1.0"
