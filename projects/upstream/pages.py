"""How a sign-in from elsewhere ends that did not work: a page that says what happened and what to do, and an event."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from common import counters
from common.arrival import arrival_of
from common.counters import Limit
from projects.events import SecurityEvent
from projects.upstream.models import Connector

logger = logging.getLogger(__name__)
# Of one connector; whoever plays with callbacks fills no table. The log has every one of them.
EVENTS = Limit("upstream-refused", 100, 3600)


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, and what to do. `again`: trying again may help."""

    happened: str | Promise
    advice: str | Promise
    status: int = 400
    again: bool = True


WORDS = {
    "cancelled": Words(
        _("You did not sign in there"),
        _("The sign-in was cancelled. Choose another way to sign in, or try again."),
        status=403,
    ),
    "denied": Words(
        _("The other side refused the sign-in"),
        _("Try again. If it happens again, ask whoever manages your account there."),
        status=403,
    ),
    "unreachable": Words(
        _("The other side does not answer"),
        _("Try again in a few minutes, or choose another way to sign in."),
        status=503,
    ),
    "malformed": Words(
        _("The other side gave an answer that cannot be used"),
        _("Nobody was signed in. Choose another way to sign in, and tell the administrators."),
        status=502,
    ),
    "not_redeemed": Words(
        _("The other side did not confirm who you are"),
        _("Nobody was signed in. Try again. If it happens again, tell the administrators."),
        status=502,
    ),
    "not_proved": Words(
        _("The answer of the other side cannot be trusted"),
        _("Nobody was signed in. Tell the administrators if it happens again."),
        status=403,
    ),
    "another_issuer": Words(
        _("The answer came from somebody else"),
        _("Nobody was signed in. Tell the administrators if it happens again."),
        status=403,
    ),
    "replayed": Words(
        _("This answer was meant for another sign-in"), _("Nobody was signed in. Start again."), status=403
    ),
    "clock": Words(
        _("The answer of the other side is too old, or from the future"),
        _("Nobody was signed in. Try again. If it happens again, a clock is wrong: tell the administrators."),
        status=403,
    ),
    "not_fresh": Words(
        _("You were not asked again who you are"),
        _("The app wants you to prove it now, and the other side did not do so. Choose another way to sign in."),
        status=403,
    ),
    "unknown_state": Words(
        _("This sign-in is over, or was begun in another browser"),
        _("Start again, and stay in one browser. Each attempt works once, and for ten minutes."),
    ),
    "disabled": Words(
        _("This way to sign in is switched off"), _("Choose another way to sign in."), status=403, again=False
    ),
    "unknown": Words(
        _("This sign-in opens no account here"),
        _(
            "If you have an account, sign in to it another way. Then link this sign-in on its security page. "
            "If you have none, ask the administrators for one."
        ),
        status=403,
    ),
    "anothers": Words(
        _("This sign-in belongs to another account"),
        _("It can be linked to one account only. Unlink it there first."),
        status=403,
        again=False,
    ),
    "somebody_else": Words(
        _("You signed in there as somebody else"),
        _("Nothing was confirmed. Sign in there as who you are here, or choose another way."),
        status=403,
    ),
    "not_set_up": Words(
        _("This way to sign in is not set up completely"),
        _("Choose another way to sign in, and tell the administrators."),
        status=503,
        again=False,
    ),
}


def failed(
    request: HttpRequest, connector: Connector | None, reason: str, detail: str = "", next_url: str = ""
) -> HttpResponse:
    """The page. `detail` is for the log: words of ours, with nothing in them that was sent."""
    words, key = WORDS[reason], connector.key if connector else ""
    logger.warning("A sign-in by the connector %s was refused: %s. %s", key or "(none)", reason, detail)
    if key and counters.count(EVENTS, key) <= EVENTS.amount:
        SecurityEvent.objects.create(kind="connector.refused", detail={"connector": key, "reason": reason})
    back = f"{reverse('account_login')}?{urlencode({'next': next_url})}" if next_url else reverse("account_login")
    context = {"words": words, "name": connector.name if connector else "", "back": back, "key": key}
    context |= {"reference": arrival_of(request).id}
    response = render(request, "upstream/failed.html", context, status=words.status)
    response["Cache-Control"] = "no-store"
    return response
