"""What an API says of itself, so that apps which never heard of it know where to get tokens (RFC 9728)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from vestibule_verifier.access import AccessTokenVerifier
from vestibule_verifier.claims import scopes
from vestibule_verifier.fetch import LOOPBACK
from vestibule_verifier.sender import ALGORITHMS

WELL_KNOWN = "/.well-known/oauth-protected-resource"
MAX_AGE = 3600  # seconds for which anybody may keep the document
# The document is for everybody: a page of any origin may read it, and MCP clients add a header that asks first.
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": f"public, max-age={MAX_AGE}",
    "Access-Control-Allow-Origin": "*",
}
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "600",
}
# What is known already, and must not be said in another way.
_DERIVED = frozenset({"resource", "authorization_servers", "bearer_methods_supported"})


class ProtectedResource:
    """An API by the address that apps are given, and the verifier that checks tokens for it.

    `identifier` is one of the verifier's, letter by letter: what apps send as `resource`, and what tokens say in `aud`.
    It never comes from a request. `scopes`: those worth asking for at first. `metadata_url`: where the document is,
    when it cannot be where RFC 9728 looks for it. `more`: other members of the document, for example `jwks_uri`.
    """

    def __init__(
        self,
        verifier: AccessTokenVerifier,
        *,
        identifier: str = "",
        scopes: Iterable[str] = (),
        name: str = "",
        documentation: str = "",
        metadata_url: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:
        self.verifier = verifier
        self.identifier = _address(identifier or _the_only(verifier.identifiers))
        if self.identifier not in verifier.identifiers:
            raise ValueError("The verifier does not check tokens for this identifier.")
        self.scopes = _each(scopes)
        self.metadata_url = _address(metadata_url) if metadata_url else _inserted(self.identifier)
        parts = urlsplit(self.identifier)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.document = self._document(name, documentation, more or {})
        self.body = json.dumps(self.document).encode()

    @property
    def metadata_path(self) -> str:
        """Where to serve the document: at the origin, also for an API that is mounted below a path."""
        return urlsplit(self.metadata_url).path

    def is_metadata(self, path: str) -> bool:
        """With or without a slash at the end: clients write the address of an API either way."""
        return path.rstrip("/") == self.metadata_path.rstrip("/")

    def _document(self, name: str, documentation: str, more: Mapping[str, object]) -> dict[str, object]:
        if _DERIVED & more.keys():
            raise ValueError(f"{', '.join(sorted(_DERIVED & more.keys()))}: that is the verifier's to say.")
        told = {
            "resource": self.identifier,
            "authorization_servers": [self.verifier.provider.issuer],
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": list(ALGORITHMS),
            "resource_name": name,
            "resource_documentation": documentation,
            **more,
        }
        return {member: value for member, value in told.items() if value not in ("", [], None)}


def _the_only(identifiers: tuple[str, ...]) -> str:
    if len(identifiers) != 1:
        raise ValueError("The verifier checks tokens for several identifiers: name the one of this API.")
    return identifiers[0]


def _address(url: str) -> str:
    """`url` when it may stand in a header and apps may send tokens there: https, or http on this machine."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    printable = all("!" <= one <= "~" and one not in '"\\' for one in url)
    if not secure or not printable or not parts.hostname or "@" in parts.netloc or "#" in url:
        raise ValueError("An API that apps shall find by itself needs an https address (http only on a loopback host).")
    return url


def _each(names: Iterable[str]) -> tuple[str, ...]:
    listed = (names,) if isinstance(names, str) else tuple(names)
    return tuple(dict.fromkeys(scope for name in listed for scope in name.split() if scopes(scope)))


def _inserted(identifier: str) -> str:
    """RFC 9728 section 3.1: between host and path; a slash that only ends the host goes."""
    parts = urlsplit(identifier)
    path = "" if parts.path == "/" else parts.path
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{path}{query}"
