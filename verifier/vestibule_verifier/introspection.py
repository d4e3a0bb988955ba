"""Access tokens of either format, checked by asking the provider (RFC 7662)."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import quote_plus

from vestibule_verifier.access import AccessTokenVerifier
from vestibule_verifier.cache import Answer, AnswerCache
from vestibule_verifier.claims import Claims, check_times, moment
from vestibule_verifier.errors import Invalid, Unavailable
from vestibule_verifier.provider import Provider
from vestibule_verifier.sender import Proofs
from vestibule_verifier.signed import MAX_LENGTH

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
_INACTIVE = "The token is unknown, expired or revoked."


class IntrospectionVerifier(AccessTokenVerifier):
    """Asks the provider, as the client that acts for this API, and keeps the answers for a short time.

    A token that ends early is refused after at most `keep` seconds; 0 asks every time. `keep_refusals`: how long an
    unknown token stays unknown. `size`: how many answers are kept.
    """

    def __init__(
        self,
        provider: Provider,
        audience: str | Iterable[str],
        *,
        client_id: str,
        client_secret: str,
        others: Iterable[str] = (),
        proofs: Proofs | None = None,
        keep: float = 30,
        keep_refusals: float = 5,
        size: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(provider, audience, others=others, proofs=proofs)
        # RFC 6749 section 2.3.1: both parts form-encoded, then joined.
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        self._headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        self._keep, self._keep_refusals = keep, keep_refusals
        self._cache = AnswerCache(size, clock)

    def _genuine(self, token: str) -> Claims:
        if len(token) > MAX_LENGTH or not _TOKEN.fullmatch(token):
            raise Invalid(_INACTIVE)
        answer = self._cache.get(token) or self._ask(token)
        if answer.claims is None:
            raise Invalid(_INACTIVE)
        self._check(answer.claims)
        return answer.claims

    def _ask(self, token: str) -> Answer:
        form = {"token": token, "token_type_hint": "access_token"}
        document = self.provider.introspect(form, self._headers).document
        active = document.get("active")
        if not isinstance(active, bool):
            raise Unavailable("The introspection endpoint does not say whether the token is active.")
        answer = Answer(document if active else None)
        seconds = min(self._keep, moment(document, "exp") - time.time()) if active else self._keep_refusals
        self._cache.put(token, answer, seconds)
        return answer

    def _check(self, claims: Claims) -> None:
        """What the provider leaves to us: that it is an access token, of this issuer, and its time.

        A refresh token is active too, for the client that owns it. It is told by having no token type.
        """
        token_type = claims.get("token_type")
        bound = "cnf" in claims  # then the type is DPoP (RFC 9449 section 6.2), and the proof is asked for
        if not isinstance(token_type, str) or not (token_type.lower() == "bearer" or bound):
            raise Invalid("This is not an access token.")
        if claims.get("iss") != self.provider.issuer:
            raise Invalid("The token is another issuer's.")
        check_times(claims)
