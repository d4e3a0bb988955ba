"""How a client proves who it is (RFC 6749 section 2.3): exactly one method per request.

METHODS is the table. A new method is a file with a `Method`, a row here, and its words where clients register it
(`clients.models.choices.AuthMethod`).
"""

from __future__ import annotations

from collections.abc import Callable

from clients.models.choices import AuthMethod
from common import cache, slow
from common.arrival import of_client
from common.certificates import Certificate
from common.networks import network_of
from provider import throttle
from provider.authentication_method import Credentials, Method, Sent
from provider.client_assertion import Assertion
from provider.client_certificate import ByCertificate
from provider.client_secret import Basic, Nothing, Post
from provider.facts import find_client
from provider.protocol import profile
from provider.protocol.errors import InvalidClient, InvalidRequest, Refusal, TooManyGuesses
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.protocol.runner import At
from provider.store import events

METHODS: dict[str, Method] = {
    AuthMethod.BASIC: Basic(),
    AuthMethod.POST: Post(),
    AuthMethod.PRIVATE_KEY_JWT: Assertion(),
    AuthMethod.TLS: ByCertificate(verified=True),
    AuthMethod.SELF_SIGNED_TLS: ByCertificate(verified=False),
    AuthMethod.NONE: Nothing(),
}
HERE = At("client_authentication")


def offered() -> list[str]:
    """The methods that this deployment can do."""
    return [name for name, method in METHODS.items() if method.offered()]


def authenticate(
    params: Params,
    authorization: str | None,
    address: str,
    certificate: Certificate | None = None,
    *,
    find: Callable[[str], ClientFacts | None] = find_client,
) -> ClientFacts:
    """The enabled client these credentials belong to, else InvalidClient; a public client needs none.

    `certificate`: of the connection. Without it only clients of other methods are found. `find`: who may be one here.
    """
    with HERE:
        sent = Sent(params, authorization, certificate)
        method = method_used(sent)
        presented = method.read(sent)
        known = cache.remembered()
        client = find(presented.client_id)
        proved = method.proves(client, presented)
        if not proved and cache.changed_since(known):  # a secret is good from the moment in which it was made
            client = find(presented.client_id)
            proved = method.proves(client, presented)
        elif proved and client is not None and not client.enabled and cache.changed_since(known):
            before, client = client, find(presented.client_id)
            proved = _proves_still(method, before, client, presented)
        proved = proved or _guesses_right(method, client, presented, address)
        if client is None or not proved or not client.enabled:
            raise InvalidClient(challenge=presented.by_header)
    of_client(client)
    if (assertion := presented.assertion) is not None:
        profile.check_authentication(client, assertion.algorithm, assertion.claims)
    else:
        profile.check_authentication(client)
    return client


def _proves_still(method: Method, before: ClientFacts, client: ClientFacts | None, presented: Credentials) -> bool:
    """Whether what proved the client before does so now; an assertion, good once, while the keys are the same."""
    if presented.assertion is None:
        return method.proves(client, presented)
    return client is not None and _keys_of(client) == _keys_of(before)


def _keys_of(client: ClientFacts) -> tuple[str, ...]:
    return client.auth_method, client.assertion_algorithm, client.jwks, client.jwks_uri


def client_named(params: Params, authorization: str | None) -> str:
    """Which client these credentials say they are of, whether they prove it or not. Empty: they do not say."""
    try:
        sent = Sent(params, authorization)
        return method_used(sent).read(sent).client_id
    except Refusal:
        return ""


def _guesses_right(method: Method, client: ClientFacts | None, presented: Credentials, address: str) -> bool:
    """What no quick comparison proves is a guess, or the first use of a secret that a person chose.

    It is counted before it is tried: however many are sent at once, only so many are tried.
    """
    if presented.secret is None:
        return False
    if throttle.blocked(presented.client_id, address):
        raise TooManyGuesses(throttle.WINDOW)
    if not method.has_guessable(client):
        return _tried(client, presented, address, lambda: False)
    with slow.turn():
        if method.proves(client, presented):  # another thread tried it while this one waited
            return True
        return _tried(client, presented, address, lambda: method.proves_slowly(client, presented))


def _tried(client: ClientFacts | None, presented: Credentials, address: str, proves: Callable[[], bool]) -> bool:
    number = throttle.count(presented.client_id, address)
    if number > throttle.PER_CLIENT:
        raise TooManyGuesses(throttle.WINDOW)
    right = proves()
    if right:
        throttle.take_back(presented.client_id, address)
    elif number == throttle.PER_CLIENT and client is not None:
        events.locked_out(client, network_of(address), throttle.WINDOW)
    return right


def method_used(sent: Sent) -> Method:
    """The one method of this request. A failed header is never rescued by the body."""
    used = [method for method in METHODS.values() if method.used(sent)]
    if sent.authorization is not None and not any(method.reads_header for method in used):
        raise InvalidClient("Use HTTP Basic, or client_id and client_secret in the body.", challenge=True)
    if len(used) > 1:
        raise InvalidRequest("Use one way of client authentication, not two.")
    return used[0] if used else METHODS[AuthMethod.NONE]
