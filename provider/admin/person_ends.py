"""From the page of a person: the access of an app ends, or a sign-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import sign_in
from accounts.browsers import describe
from accounts.models import SignIn
from clients.models import Authorization
from projects.events import record
from provider import access, guest_access, revocation
from provider.access import NotGranted
from provider.admin.person_acts import Act, Doing, Done, Question
from provider.endpoints import permission_words
from provider.endpoints.apps import goes_on
from provider.guest_access import GuestAccess
from provider.revocation import Whose

# --- The access of apps --------------------------------------------------------------------------------------------


def _ask_remove(doing: Doing) -> Question | None:
    try:
        found = access.get_access(doing.person, doing.of)
    except NotGranted:
        return None
    title = _("Remove the access of %(app)s?") % {"app": permission_words.app_name(found.project)}
    happens = [*_what_ends(Whose(user=doing.person, project=found.project)), *_after(found)]
    return Question(title, _("Remove access"), happens, [str(use.client) for use in found.uses])


def _what_ends(whose: Whose) -> Iterator[str]:
    counted = revocation.count(whose)
    ended = ngettext(
        "%(number)s authorization ends. Its codes and tokens stop working at once.",
        "%(number)s authorizations end. Their codes and tokens stop working at once.",
        counted.authorizations,
    )
    if counted.authorizations:
        yield ended % {"number": counted.authorizations}
    if counted.consents:
        yield _("What this person allowed is forgotten: each app of the project has to ask anew.")


def _after(found: access.Access) -> Iterator[str]:
    if found.first_party:
        yield _(
            "Nobody is asked in this project: while they are signed in here, an app has access again with the next "
            "click. Say on the page of the project who may sign in, or deactivate the account."
        )
    if longest := goes_on(found):
        yield _("An API that checks tokens by itself, without asking here, may go on for up to %(time)s.") % {
            "time": longest
        }


def _remove(doing: Doing) -> Done | None:
    """The consent and the authorizations together, so that it stays ended; of guest apps that came in there, too."""
    try:
        project = access.get_access(doing.person, doing.of).project
    except NotGranted:
        return None
    ended = revocation.revoke(Whose(user=doing.person, project=project), doing.by)
    name = permission_words.app_name(project)
    told = ngettext(
        "%(app)s has no access any more: %(number)s authorization ended.",
        "%(app)s has no access any more: %(number)s authorizations ended.",
        ended.authorizations,
    )
    history = _("Removed the access of %(app)s.") % {"app": name}
    return Done(history, told % {"app": name, "number": ended.authorizations})


def _guest(doing: Doing) -> GuestAccess | None:
    client, _slash, key = doing.of.partition("/")
    found = guest_access.list_guests(doing.person)
    return next((one for one in found if (str(one.client.pk), one.project.key) == (client, key)), None)


def _ask_remove_guest(doing: Doing) -> Question | None:
    if (guest := _guest(doing)) is None:
        return None
    title = _("Remove the access of %(app)s?") % {"app": ", ".join(guest.places)}
    happens = [_("Its codes and tokens stop working at once. It has to ask this person anew.")]
    return Question(title, _("Remove access"), happens)


def _remove_guest(doing: Doing) -> Done | None:
    if (guest := _guest(doing)) is None:
        return None
    theirs = Authorization.objects.filter(user=doing.person, client=guest.client, project=guest.project)
    if not revocation.end_by(theirs, doing.by):
        return None
    name = ", ".join(guest.places)
    return Done(
        _("Removed the access of %(app)s.") % {"app": name}, _("%(app)s has no access any more.") % {"app": name}
    )


# --- Sign-ins ------------------------------------------------------------------------------------------------------


def _sign_in(doing: Doing) -> SignIn | None:
    try:
        sid = UUID(doing.of)
    except ValueError:
        return None
    return sign_in.live(doing.person).filter(sid=sid).first()


def _ask_sign_out(doing: Doing) -> Question | None:
    row = _sign_in(doing)
    if row is None:
        return None
    title = _("Sign out %(browser)s?") % {"browser": describe(row.user_agent)}
    return Question(title, _("Sign out"), [*_apps_hear()])


def _apps_hear() -> Iterator[str]:
    yield _("Apps that were signed in from there hear of it, and what they have by it ends.")
    yield _("What an app may do while the person is away goes on: remove its access to end that, too.")


def _sign_out(doing: Doing) -> Done | None:
    row = _sign_in(doing)
    if row is None or not sign_in.end_one(doing.person, row.sid):
        return None
    record(doing.by, "sign_in.ended", person=doing.person.sub, all=False)
    browser = describe(row.user_agent)
    return Done(
        _("Signed out %(browser)s.") % {"browser": browser}, _("%(browser)s is signed out.") % {"browser": browser}
    )


def _ask_sign_out_everywhere(doing: Doing) -> Question | None:
    number = sign_in.live(doing.person).count()
    if not number:
        return None
    ended = ngettext("%(number)s browser is signed out.", "%(number)s browsers are signed out.", number)
    happens = [ended % {"number": number}, *_apps_hear()]
    if doing.oneself:
        happens.append(_("This is your own account: you sign in again then."))
    return Question(_("Sign out everywhere?"), _("Sign out everywhere"), happens)


def _sign_out_everywhere(doing: Doing) -> Done | None:
    if not sign_in.live(doing.person).exists():
        return None
    sign_in.end_all(doing.person)
    record(doing.by, "sign_in.ended", person=doing.person.sub, all=True)
    return Done(_("Signed out everywhere."), _("Signed out everywhere."))


ENDS: Mapping[str, Act] = {
    "remove": Act(_ask_remove, _remove),
    "remove-guest": Act(_ask_remove_guest, _remove_guest),
    "sign-out": Act(_ask_sign_out, _sign_out),
    "sign-out-everywhere": Act(_ask_sign_out_everywhere, _sign_out_everywhere),
}
