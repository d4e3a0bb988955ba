"""Which pushed requests this browser has begun with.

A reference may begin for a minute and a half, and people need longer to sign in (rule P5). So the browser that came in
time is remembered in its session, as long as somebody may take. Nobody else can begin with it by then.
"""

from __future__ import annotations

from django.http import HttpRequest

from accounts.sign_in import BEGUN_KEY
from common import clock
from provider.protocol.request import Params
from provider.pushed_requests import BEGUN_FOR

MOST = 10  # that wait in one browser


def begin(request: HttpRequest, params: Params) -> None:
    """A page is shown for this request; loading it again does not make its time longer."""
    key = params.wrapped.pushed
    if not key or has_begun(request, key):
        return
    request.session[BEGUN_KEY] = [*request.session.get(BEGUN_KEY, []), [key, clock.now().timestamp()]][-MOST:]
    if not request.user.is_authenticated:  # whoever leaves again leaves nothing behind
        request.session.set_expiry(int(BEGUN_FOR.total_seconds()))


def has_begun(request: HttpRequest, key: str) -> bool:
    begun = dict(request.session.get(BEGUN_KEY, []))
    return key in begun and clock.now().timestamp() - begun[key] < BEGUN_FOR.total_seconds()
