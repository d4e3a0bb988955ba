"""Access tokens: what a checked one says, and the checks that are the same whichever way it was found genuine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vestibule_verifier.claims import Audiences, Claims, audiences, moment, scopes, text
from vestibule_verifier.errors import InsufficientScope, Invalid
from vestibule_verifier.matcher import covers
from vestibule_verifier.provider import Provider
from vestibule_verifier.sender import Proofs, Sender

# Answers True when the sender of this request proved to hold the key that `cnf` names (RFC 7800).
Proof = Callable[[Claims], bool]
# What whoever asks with a scope alone gets: a token whose audience is the client itself.
NONE_NAMED = ": for its client alone, which asked for no audience. Ask with resource or audience."


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that may be used at this API. Only an AccessTokenVerifier makes one."""

    subject: str  # the person's `sub`; the client's id when the client acts for itself
    client_id: str
    scopes: frozenset[str]
    audience: tuple[str, ...]
    audience_here: tuple[str, ...]  # those that are this API, or a part of it by path
    expires_at: float
    claims: Claims = field(repr=False)

    @property
    def is_client(self) -> bool:
        """Whether no person is behind it: the client's own token (client credentials)."""
        return self.subject == self.client_id

    def reaches(self, url: str) -> bool:
        """Whether it was issued for this part of the API: a token for .../orders/7 does not reach .../orders/8."""
        return any(covers(one, url) for one in self.audience_here)


class AccessTokenVerifier(ABC):
    """Checks access tokens for one API. `audience`: its identifier or identifiers, as they are registered.

    A token is accepted when one of its audiences is an identifier or lies below one by path, unless it lies below
    `others` too: the identifiers of other APIs there.
    """

    def __init__(
        self,
        provider: Provider,
        audience: str | Iterable[str],
        *,
        others: Iterable[str] = (),
        proofs: Proofs | None = None,
    ) -> None:
        self.provider = provider
        self._proofs = Proofs() if proofs is None else proofs
        self._audiences = Audiences(audience, others)

    def verify(
        self,
        token: str,
        *,
        scope: str = "",
        audience: str | Iterable[str] | None = None,
        proof: Proof | None = None,
        sender: Sender | None = None,
    ) -> AccessToken:
        """The token, when it is genuine, alive, for this API and has every scope of `scope`; raises TokenError.

        `audience` takes the place of the verifier's for this call. A token bound to a key of its sender is refused
        unless `sender` shows a proof or a certificate, or `proof` says that the sender has that key.
        """
        wanted = scopes(scope)
        mine = self._audiences if audience is None else Audiences(audience, self._audiences.others)
        claims = self._genuine(token)
        here = mine.among(audiences(claims))
        if not here:
            raise Invalid("The token is for another API" + (NONE_NAMED if _is_for_its_client(claims) else "."))
        if sender is not None:
            self._proofs.check(token, claims, sender)
        else:
            _check_binding(claims, proof)
        granted = frozenset(_scope_text(claims).split())
        if not wanted <= granted:
            raise InsufficientScope(" ".join(sorted(wanted)), granted)
        return AccessToken(
            subject=text(claims, "sub"),
            client_id=text(claims, "client_id"),
            scopes=granted,
            audience=audiences(claims),
            audience_here=here,
            expires_at=moment(claims, "exp"),
            claims=claims,
        )

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Of the API, as they are registered."""
        return self._audiences.identifiers

    @abstractmethod
    def _genuine(self, token: str) -> Claims:
        """The claims of an access token of this issuer that has not expired; raises TokenError."""


def _is_for_its_client(claims: Claims) -> bool:
    return audiences(claims) == (claims.get("client_id"),)


def _check_binding(claims: Claims, proof: Proof | None) -> None:
    """A stolen bound token is worth nothing: without a proof it is treated as stolen (RFC 9449, RFC 8705)."""
    if "cnf" not in claims:
        return
    binding = claims["cnf"]
    # Only True counts: what forgets to answer, or is awaited by nobody, proves nothing.
    if proof is None or not isinstance(binding, dict) or proof(binding) is not True:
        raise Invalid("The token is bound to a key, and the request does not prove to have it.")


def _scope_text(claims: Claims) -> str:
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise Invalid("The token's scope is malformed.")
    return scope
