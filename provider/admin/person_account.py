"""From the page of a person: what proves who they are, and whether they may sign in at all."""

from __future__ import annotations

from collections.abc import Mapping

from allauth.mfa.models import Authenticator
from django.utils.translation import gettext as _

from accounts import changes, reset_mails
from accounts.changes import NOT_FROM_YOURSELF
from projects.events import record
from provider import revocation
from provider.admin.person_acts import Act, Doing, Done, Question
from provider.revocation import Whose


def _ask_second_steps(doing: Doing) -> Question | None:
    if not Authenticator.objects.filter(user=doing.person).exists():
        return None
    happens = [
        _("The authenticator app, the passkeys and the recovery codes are gone. For who lost their devices and codes."),
        _("Whoever is signed in to this account is signed out."),
    ]
    if doing.oneself:
        happens.append(_("This is your own account: you sign in again then, without a second step."))
    return Question(_("Remove the second steps?"), _("Remove second steps"), happens)


def _remove_second_steps(doing: Doing) -> Done | None:
    if not changes.remove_second_steps(doing.person):
        return None
    _changed(doing, "second_steps")
    return Done(_("Removed the second steps."), _("There is no second step any more."))


def _ask_reset_mail(doing: Doing) -> Question | None:
    if not reset_mails.can_be_sent(doing.person):
        return None
    happens = [
        _("A link for choosing a new password goes to %(email)s.") % {"email": doing.person.email},
        _("The password stays as it is until then."),
    ]
    return Question(_("Send a mail for a new password?"), _("Send reset mail"), happens)


def _send_reset_mail(doing: Doing) -> Done | None:
    if not reset_mails.can_be_sent(doing.person):
        return None
    reset_mails.send(doing.person)
    record(doing.by, "person.reset_mail_sent", person=doing.person.sub)
    return Done(_("Sent a mail for a new password."), _("The mail for a new password is on its way."))


def _ask_deactivate(doing: Doing) -> Question | None:
    if not doing.person.is_active:
        return None
    counted = revocation.count(Whose(user=doing.person))
    happens = [
        _("They cannot sign in any more, and are signed out everywhere."),
        _("What apps have of them ends for good: active again, they sign in anew."),
        _("Authorizations that end: %(number)s.") % {"number": counted.authorizations},
    ]
    return Question(_("Deactivate this account?"), _("Deactivate"), happens, obstacle=_obstacle(doing))


def _obstacle(doing: Doing) -> str:
    if doing.oneself:
        return str(NOT_FROM_YOURSELF)
    return changes.LAST_SUPERUSER if doing.person.is_superuser and changes.is_last_superuser(doing.person) else ""


def _deactivate(doing: Doing) -> Done | None:
    if not doing.person.is_active or _obstacle(doing):
        return None
    _switch(doing, on=False)
    return Done(_("Deactivated."), _("This account is not active any more."))


def _ask_activate(doing: Doing) -> Question | None:
    if doing.person.is_active:
        return None
    happens = [_("They can sign in again. What had ended stays ended.")]
    return Question(_("Activate this account?"), _("Activate"), happens)


def _activate(doing: Doing) -> Done | None:
    if doing.person.is_active:
        return None
    _switch(doing, on=True)
    return Done(_("Activated."), _("This account is active again."))


def _switch(doing: Doing, *, on: bool) -> None:
    doing.person.is_active = on
    doing.person.save()
    changes.finish(doing.person, ["is_active"], doing.by)
    _changed(doing, "is_active")


def _changed(doing: Doing, what: str) -> None:
    active = doing.person.is_active
    record(doing.by, "person.changed", person=doing.person.sub, changed=[what], is_active=active)


ACCOUNT: Mapping[str, Act] = {
    "second-steps": Act(_ask_second_steps, _remove_second_steps),
    "reset-mail": Act(_ask_reset_mail, _send_reset_mail),
    "deactivate": Act(_ask_deactivate, _deactivate),
    "activate": Act(_ask_activate, _activate),
}
