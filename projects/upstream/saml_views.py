"""A provider of SAML answers by a form that its site posts, which brings no cookie of ours. So it is posted again."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from projects.upstream import connectors
from projects.upstream.choices import Kind
from projects.upstream.models import Connector
from projects.upstream.pages import failed
from projects.upstream.provider import Elsewhere
from projects.upstream.sessions import State, complete
from projects.upstream.told import Refused, Told

MAX_ANSWER = 300_000  # characters
Finish = Callable[[Connector, str, str, int | None], Told]


def answered(request: HttpRequest, provider: Elsewhere) -> HttpResponse:
    """The first time a page of ours comes, which posts the same from here; then this browser's session is there."""
    connector = provider.connector
    answer, state_id = request.POST.get("SAMLResponse", ""), request.POST.get("RelayState", "")
    if not answer or len(answer) > MAX_ANSWER or len(state_id) > 200:
        return failed(request, connector, "unknown_state")
    if "here" not in request.POST:
        context = {"answer": answer, "state": state_id, "name": connector.name, "key": connector.key}
        page = render(request, "upstream/posted_again.html", context)
        page["Cache-Control"] = "no-store"
        return page
    try:
        state: State = provider.unstash_redirect_state(request, state_id)
    except PermissionDenied:
        return failed(request, connector, "unknown_state")
    next_url, since = str(state.get("next") or ""), state.get("proved_since")
    finish: Finish = import_string("projects.upstream.saml.finish")
    try:
        told = finish(connector, state_id, answer, since if isinstance(since, int) else None)
    except Refused as error:
        return failed(request, connector, error.reason, error.detail, next_url)
    return complete(request, connector, told, state)


@require_safe
def metadata(request: HttpRequest, key: str) -> HttpResponse:
    """What we are, for whoever sets the provider there up."""
    connector = connectors.enabled(key)
    if connector is None or connector.kind != Kind.SAML:
        raise Http404
    write: Callable[[Connector], bytes] = import_string("projects.upstream.saml.our_metadata")
    return HttpResponse(write(connector), content_type="application/samlmetadata+xml")
