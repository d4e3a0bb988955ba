"""The OpenID Foundation's test modules by name, and the check that each has a test of ours here.

A test that stands for a module is called after it: `oidcc-rp-initiated-logout-no-state` is
`test_rp_initiated_logout_no_state`. Its docstring says what the module asks of a provider.
"""

from __future__ import annotations

import inspect
from types import ModuleType

PREFIXES = ("openid-ssf-", "oidcc-", "fapi2-security-profile-final-")


def test_name(module: str) -> str:
    for prefix in PREFIXES:
        module = module.removeprefix(prefix)
    return "test_" + module.replace("-", "_")


def unmatched(modules: list[str], tests: ModuleType) -> set[str]:
    """Modules without a test and tests of no module; a test counts when it says what its module asks."""
    found = {
        name
        for name, function in inspect.getmembers(tests, inspect.isfunction)
        if name.startswith("test_") and function.__module__ == tests.__name__ and function.__doc__
    }
    return {test_name(one) for one in modules} ^ found
