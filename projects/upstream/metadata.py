"""What a connector is to be. Every door translates what it was sent into this, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorMetadata:
    id: str  # the key
    name: str = ""  # on its button
    kind: str = "oidc"
    project: str = ""  # the id of the one project whose people see it; empty: everybody
    enabled: bool = True
    position: int = 100  # of its button
    issuer: str = ""  # of OpenID Connect; the address of a GitHub Enterprise Server, or of a directory
    tenant: str = ""
    client_id: str = ""  # of a directory: the name to look people up with
    scope: str = ""
    metadata_uri: str = ""
    metadata: str = ""
    search_base: str = ""
    search_filter: str = ""
    domains: tuple[str, ...] = ()  # whose people go straight there
    owns_domains: tuple[str, ...] = ()  # whose addresses are its to give
    creates_people: bool = False
    trusts_email: bool = False  # an address that it calls verified is, whatever the domain
    trusts_mfa: bool = False  # its `amr` and `acr` count here
    mfa_acr_values: tuple[str, ...] = ()  # an `acr` that stands for two factors there
    attributes: Mapping[str, str] = field(default_factory=dict)  # ours, and the claims they come from
    groups_claim: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)  # theirs, and ours; none: by the same names
