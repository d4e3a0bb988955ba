"""Who is measured. `PEERS` has every one by the name the command line uses."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.machine import missing_programs
from tests.benchmarks.peers import servers
from tests.benchmarks.peers.base import Peer, Setting
from tests.benchmarks.peers.glewlwyd import Glewlwyd
from tests.benchmarks.peers.node import Node
from tests.benchmarks.peers.scale import AtScale
from tests.benchmarks.peers.toolkit import Toolkit
from tests.benchmarks.peers.vestibule import Vestibule

__all__ = ["AT_SCALE", "PEERS", "Peer", "Setting", "default"]

# What we are compared with unless somebody says otherwise.
DEFAULT = ("vestibule", "dot", "dot-cheap", "node", "node-memory")
IF_INSTALLED = ("glewlwyd",)
AT_SCALE = ("vestibule-small", "vestibule-full")

PEERS: dict[str, Callable[[], Peer]] = {
    "vestibule": lambda: Vestibule("vestibule", "Vestibule"),
    **{f"vestibule-{name}": variant for name, variant in servers.VARIANTS.items()},
    "vestibule-small": lambda: AtScale("vestibule-small", "Vestibule, small"),
    "vestibule-full": lambda: AtScale("vestibule-full", "Vestibule, full", full=True),
    "dot": lambda: Toolkit("dot", "django-oauth-toolkit as shipped", role_suffix="", slow=True),
    "dot-cheap": lambda: Toolkit("dot-cheap", "django-oauth-toolkit, cheap secret hash", role_suffix="-cheap"),
    "node": lambda: Node("node", "node oidc-provider, Redis", store="redis"),
    "node-memory": lambda: Node("node-memory", "node oidc-provider, in memory", store="memory"),
    "glewlwyd": Glewlwyd,
}


def default() -> list[str]:
    return [*DEFAULT, *(name for name in IF_INSTALLED if not missing_programs(PEERS[name]().programs))]
