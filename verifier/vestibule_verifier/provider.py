"""The provider as an API knows it: its issuer, its addresses and its keys."""

from __future__ import annotations

from collections.abc import Mapping

from vestibule_verifier.errors import Unavailable
from vestibule_verifier.fetch import Reply, checked_url, fetch
from vestibule_verifier.keys import KeySet


class Provider:
    """Make one per process and give it to every verifier: they then share the keys.

    `issuer` is exactly what tokens say in `iss`. The other addresses are looked up in its discovery document when
    they are first needed, unless they are given. `timeout` is in seconds, for each request. `outage`: for how many
    seconds old keys stay good while the provider does not answer.
    """

    def __init__(
        self,
        issuer: str,
        *,
        jwks_uri: str | None = None,
        introspection_endpoint: str | None = None,
        timeout: float = 5.0,
        outage: float = 86_400,
    ) -> None:
        checked_url(issuer)
        self.issuer = issuer
        self._timeout = timeout
        given = {"jwks_uri": jwks_uri, "introspection_endpoint": introspection_endpoint}
        self._endpoints = {name: checked_url(url) for name, url in given.items() if url is not None}
        self.keys = KeySet(self._fetch_keys, outage=outage)

    def introspect(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """Ask the introspection endpoint; raises Unavailable."""
        return fetch(self._endpoint("introspection_endpoint"), self._timeout, form, headers)

    def _fetch_keys(self) -> Reply:
        return fetch(self._endpoint("jwks_uri"), self._timeout)

    def _endpoint(self, name: str) -> str:
        """The address of an endpoint. The document must be the issuer's own (OpenID Connect Discovery 1.0 4.3)."""
        if name not in self._endpoints:
            document = fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", self._timeout).document
            if document.get("issuer") != self.issuer:
                raise Unavailable(f"The discovery document at {self.issuer} is another issuer's.")
            try:
                self._endpoints[name] = checked_url(document.get(name))
            except ValueError as error:
                raise Unavailable(f"The discovery document has no usable {name}: {error}") from error
        return self._endpoints[name]
