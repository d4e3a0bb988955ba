"""Which of IDP_KEY_SECRETS something in the database still needs, so that nobody drops one too early."""

from __future__ import annotations

from accounts import outbox
from accounts.mails import Mail
from clients.models import SigningKey
from clients.models.keys import KeyState
from common import sealing
from provider.keys import keyring

RESTART = (
    "{algorithm}: the next key is encrypted under another of IDP_KEY_SECRETS than the one that signs. A server that "
    "was not restarted since cannot sign with it: restart every server with these IDP_KEY_SECRETS."
)
THEN = "When /healthz/ready warns of nothing on any of them, run rotatekeys --servers-restarted."
ORDINALS = ("first", "second", "third", "fourth", "fifth")


def needed() -> dict[int, list[str]]:
    """By the number of the secret, what opens with it alone. Second factors apart: `resealfactors` moves those.

    Retired keys are only published. Raises sealing.Unreadable.
    """
    found: dict[int, list[str]] = {}
    for key in SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]):
        number = sealing.number_of(keyring.PURPOSE, key.private_jwk)
        found.setdefault(number, []).append(f"the {key.state} {key.algorithm} key")
    for sealed in Mail.objects.values_list("sealed", flat=True):
        mails = found.setdefault(sealing.number_of(outbox.PURPOSE, sealed), [])
        if MAIL not in mails:
            mails.append(MAIL)
    return found


MAIL = "mail that waits"


def ordinal(number: int) -> str:
    """The word for its place in IDP_KEY_SECRETS."""
    return ORDINALS[number - 1] if number <= len(ORDINALS) else f"{number}th"


def next_is_under_another(algorithm: str) -> bool:
    """Whether the next key opens with another secret than the one that signs. Raises sealing.Unreadable.

    Then IDP_KEY_SECRETS changed since, and a server that was not restarted could not sign with it.
    """
    keys = SigningKey.objects.filter(algorithm=algorithm, state__in=[KeyState.ACTIVE, KeyState.NEXT])
    return len({sealing.number_of(keyring.PURPOSE, key.private_jwk) for key in keys}) > 1


def why_servers_may_lack_it(algorithm: str) -> str:
    """Why the next key must not sign yet, for an operator; or an empty text.

    When the key that signs does not even open here, letting the next one sign is the way out.
    """
    try:
        waits = next_is_under_another(algorithm)
    except sealing.Unreadable:
        return ""
    return f"{RESTART.format(algorithm=algorithm)} {THEN}" if waits else ""
