"""What every test has: this machine's network only, no silent skips, and the world people and clients live in."""

from __future__ import annotations

pytest_plugins = ["tests.plugins.loopback", "tests.plugins.skips", "tests.plugins.places"]
