"""What sort of thing happened: what a row is marked with, and what the list is filtered by."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import AccountEventKind


@dataclass(frozen=True, slots=True)
class Mark:
    key: str
    sign: str
    label: str | Promise
    tone: str = ""


REFUSED = Mark("refused", "✕", _("Refused"), "bad")
FAILED = Mark("failed", "!", _("Failed"), "warn")
CHANGED = Mark("changed", "✎", _("Changed"))
SIGN_IN = Mark("sign_in", "⇥", _("Sign-in"), "good")
ACCESS = Mark("access", "→", _("Access"))

# What a security event is; any other is a change.
SECURITY = {
    "client.locked_out": REFUSED,
    "device.locked_out": REFUSED,
    "token.cross_client_refused": REFUSED,
    "token.reuse": REFUSED,
    "connector.refused": REFUSED,
    "logout_notice.given_up": FAILED,
    "webhook.disabled": FAILED,
    "stream.paused": FAILED,
    "claim.too_large": FAILED,
    "sign_in.ended": SIGN_IN,
    "sign_in.ended_by_client": SIGN_IN,
    "token.cross_client": ACCESS,
    "token.exchanged": ACCESS,
    "consent.accepted_elsewhere": ACCESS,
    "consent.rejected_elsewhere": ACCESS,
    "consent.taken_back": ACCESS,
    "device.allowed": ACCESS,
    "device.denied": ACCESS,
    "guest.ended": ACCESS,
}
ACCOUNT: dict[str, Mark] = {
    AccountEventKind.SIGN_IN_FAILED: REFUSED,
    AccountEventKind.SECOND_STEP_FAILED: REFUSED,
    AccountEventKind.LOCKED_OUT: REFUSED,
    AccountEventKind.SIGN_IN: SIGN_IN,
    AccountEventKind.SESSION_ENDED: SIGN_IN,
    AccountEventKind.SIGNED_OUT_ELSEWHERE: SIGN_IN,
    AccountEventKind.RECOVERY_CODE_USED: SIGN_IN,
}


@dataclass(frozen=True, slots=True)
class Sort:
    """A choice of the filter, and the marks that it shows."""

    key: str
    label: str | Promise
    marks: tuple[Mark, ...]


SORTS = (
    Sort("", _("All"), (REFUSED, FAILED, CHANGED, SIGN_IN, ACCESS)),
    Sort("refused", _("Refused"), (REFUSED, FAILED)),
    Sort("changes", _("Changes"), (CHANGED,)),
    Sort("sign-ins", _("Sign-ins"), (SIGN_IN,)),
    Sort("access", _("Access"), (ACCESS,)),
)


def sort_of(key: str) -> Sort:
    return next((one for one in SORTS if one.key == key), SORTS[0])


def marked(table: dict[str, Mark], marks: tuple[Mark, ...]) -> Q:
    """The rows with these marks. A kind that the table does not name is a change."""
    if CHANGED not in marks:
        return Q(kind__in=[kind for kind, mark in table.items() if mark in marks])
    others = [kind for kind, mark in table.items() if mark not in marks]
    return ~Q(kind__in=others) if others else Q()
