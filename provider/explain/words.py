"""An explanation in sentences, for the command line and for the console."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from projects.facts import ApiFacts
from projects.matcher import parse
from provider.explain.ask import Explanation, PersonsConsent
from provider.explain.table import AUTHORIZE, Attempt, Reason, TokenPreview, Value
from provider.protocol.cross_client import Obstacle
from provider.protocol.facts import Entry

OBSTACLES: dict[Obstacle, Promise] = {
    Obstacle.ANOTHER_PROJECT: gettext_lazy("It is a client of another project."),
    Obstacle.POLICY_OFF: gettext_lazy("The project allows no ID tokens for other clients."),
    Obstacle.CALLER_DISABLED: gettext_lazy("The client that asks is disabled."),
    Obstacle.TARGET_DISABLED: gettext_lazy("It is disabled."),
    Obstacle.REGISTERED_ITSELF: gettext_lazy("One of the two registered itself; only an administrator's clients may."),
    Obstacle.CALLER_NOT_LISTED: gettext_lazy("It lists the clients that may ask, and this one is not among them."),
    Obstacle.CALLER_PUBLIC: gettext_lazy("The client that asks is public, and was not allowed to ask although it is."),
    Obstacle.TARGET_ALGORITHM: gettext_lazy("Its ID tokens are not signed with a public key."),
    Obstacle.TARGET_PROFILE: gettext_lazy("It has a security profile, and the client that asks has not."),
}


def about(value: Value, explanation: Explanation) -> list[str]:
    """What this value is to the client, and why it is allowed or not."""
    if value.reason is Reason.ITSELF:
        return [_("This is the client itself: nothing more is asked for.")]
    if value.reason is Reason.SIBLING:
        said = _("This is another client of the project. The ID token is made for it, the access token is not.")
        return [said, *_refused_all_the_same(explanation)]
    if value.reason is Reason.SIBLING_REFUSED:
        return [_("This is another client."), *(str(OBSTACLES[one]) for one in value.obstacles)]
    if value.reason is Reason.MALFORMED:
        return [value.detail]
    if value.reason is Reason.NAME_NOT_LISTED:
        return [_("No client of this project has this ID, and no rule of the allowlist names it.")]
    api = [_about_api(value.api, explanation)] if value.api else []
    if value.reason is Reason.NOT_LISTED:
        return [_("No rule of the allowlist covers it."), *api]
    if value.reason is Reason.LISTED_BUT_REFUSED:
        # Whose address it is, is shown only to those who may know.
        api = api or [_("It is refused all the same: the address is not this project's to use.")]
    return [rule(value.rule, value.entry), *api]


def advice(explanation: Explanation) -> list[str]:
    """What to send when no audience was named: a scope of an API alone brings no token that this API accepts."""
    client = explanation.caller
    for_itself = any(one.token is not None and one.token.aud == client.client_id for one in explanation.attempts)
    if explanation.audience.strip() or not client.allowlist or not for_itself:
        return []
    said = _(
        "No audience was asked for and none is used by default: the access token is for the client alone, whatever its "
        "scopes. Send resource=%(audience)s, or make that rule the default."
    )
    return [said % {"audience": client.allowlist[0].value}]


def _refused_all_the_same(explanation: Explanation) -> list[str]:
    """What refuses a client although no obstacle stands between the two; the app is told the same for all of it."""
    said = []
    if len({value.target.client_id for value in explanation.values if value.target}) > 1:
        said.append(_("An ID token is for one client: name no other beside it."))
    if any(attempt.row == "client_credentials" for attempt in explanation.attempts):
        said.append(_("An ID token is about a person: with client credentials there is none, so that is refused."))
    return said


def rule(number: int | None, entry: Entry | None) -> str:
    """Which row of the allowlist, and what it covers."""
    if entry is None:
        return ""
    words = {"rule": number, "value": entry.value}
    if entry.mode == "exact" or parse(entry.value).query is not None:
        return _("Rule %(rule)s names it: exactly %(value)s.") % words
    return _("Rule %(rule)s covers it: %(value)s and everything below.") % words


def _about_api(api: ApiFacts, explanation: Explanation) -> str:
    if api.of_provider:
        return _("It belongs to the provider's own API, which a superuser opens to a client by its address.")
    words = {"api": api.identifier, "project": explanation.projects.get(api.project_id)}
    project = explanation.caller.project
    if project.to_guests and api.open_to(project):
        return _("It belongs to the API %(api)s, whose project lets this guest app in.") % words
    if project.to_guests:
        return _("It belongs to the API %(api)s, which is not open to this guest app.") % words
    if api.project_id == project.id:
        return _("It belongs to the API %(api)s of this project.") % words
    if words["project"] is None:
        return _("It belongs to the API %(api)s, which another project shares.") % words
    if api.open_to(project):
        return _("It belongs to the API %(api)s, which the project %(project)s shares.") % words
    return _("It belongs to the API %(api)s of the project %(project)s, which does not share it.") % words


def verdict(attempt: Attempt) -> str:
    """Allowed, or which step refused and what the app is told."""
    if attempt.refusal is None:
        return _("allowed")
    words = {"step": attempt.steps[-1], "error": attempt.refusal.code, "description": str(attempt.refusal)}
    return _("refused at %(step)s with %(error)s: %(description)s") % words


def preview(token: TokenPreview) -> list[tuple[str, str]]:
    """What the tokens would say, as pairs of name and value."""
    aud = token.aud if isinstance(token.aud, str) else ", ".join(token.aud)
    words = {"format": token.format, "lifetime": token.lifetime}
    lines = [(_("access token"), _("%(format)s, %(lifetime)s seconds") % words), ("aud", aud)] if token.format else []
    lines.append(("scope", token.scope or _("none")))
    if token.format and token.to_a_key:
        lines.append((_("bound to"), _("a key: the request needs a DPoP proof")))
    if token.format and token.to_a_certificate:
        lines.append((_("bound to"), _("the client certificate of the connection")))
    if token.id_token:
        lines.append((_("ID token"), _("aud %(aud)s, azp %(azp)s, %(lifetime)s seconds") % token.id_token))
    for place, names in token.told.items():
        lines.append((_("told in %(place)s") % {"place": place}, ", ".join(names)))
    return lines


def about_consent(consent: PersonsConsent) -> list[str]:
    """Whether a page would be shown to the person, and what stands on it."""
    missing = [*consent.missing.scopes, *consent.missing.audiences]
    if not consent.page:
        said = _("First party: nobody is asked.") if consent.first_party else _("Everything was allowed before.")
        return [said, _("No page is shown.")]
    lines = [_("A page asks for: %(missing)s.") % {"missing": ", ".join(missing)}]
    if consent.always and not consent.redirect_uri:
        lines.append(_("It is shown every time: nobody sees from here in whose hands a device is."))
    elif consent.guest:
        lines.append(_("It is shown every time: this is a guest app."))
    elif consent.always:
        words = {"uri": consent.redirect_uri}
        lines.append(_("It is shown every time: another program could answer at %(uri)s.") % words)
    return lines


def heading(attempt: Attempt) -> str:
    return _("authorization endpoint") if attempt.row == AUTHORIZE else attempt.row
