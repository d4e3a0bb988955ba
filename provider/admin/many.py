"""Many apps at once, with what only the provider knows: who loses access, which tokens are alive, and their end."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clients.admin.actions import DEEDS, Apps, Deed, ManyApps
from clients.models import Client
from projects.actors import Actor
from projects.choices import ConsentMode
from projects.problems import Problem, RegistrationError
from provider import many
from provider.living import COUNTED


def _end(apps: Apps, by: Actor) -> Apps:
    try:
        many.end(apps, by)
    except many.TooMany:
        told = _("These apps hold more than one request can end. Disable them, or run “manage.py revoke” for each.")
        raise RegistrationError([Problem("apps", told)]) from None
    return apps


END = Deed(
    words=gettext_lazy("End tokens"),
    title=gettext_lazy("End all tokens of apps"),
    means=gettext_lazy(
        "Every code and token that they hold stops working at once, and people are asked again. They may get new ones."
    ),
    yes=gettext_lazy("Yes, end them"),
    done=lambda n: (
        ngettext("Everything that %(number)s app held ended.", "Everything that %(number)s apps held ended.", n)
        % {"number": n}
    ),
    run=_end,
    hurts=True,
    asks_for_proof=True,
)


class ManyAtOnce(ManyApps):
    deeds = {"enable": DEEDS["enable"], "disable": DEEDS["disable"], "end": END, "delete": DEEDS["delete"]}

    def effects(self, deed: str, apps: QuerySet[Client]) -> list[str]:
        if not self.deeds[deed].hurts:
            return []
        people, tokens = many.people_of(apps), many.tokens_of(apps)
        said = [_people(people), _tokens(tokens)]
        if deed == "end" and apps.filter(project__consent_mode=ConsentMode.IMPLICIT).exists():
            said.append(
                _("In first-party projects nobody is asked: who is signed in gets new tokens with the next click.")
            )
        return said


def _people(number: int) -> str:
    if not number:
        return _("Nobody is signed in to them.")
    said = ngettext("%(number)s person loses access at once.", "%(number)s people lose access at once.", number)
    return said % {"number": _number(number)}


def _tokens(number: int) -> str:
    if not number:
        return _("No opaque access token of theirs is alive. Every JWT ends.")
    said = ngettext(
        "%(number)s access token that is alive ends, and every JWT.",
        "%(number)s access tokens that are alive end, and every JWT.",
        number,
    )
    return said % {"number": _number(number)}


def _number(number: int) -> str:
    return _("%(number)s or more") % {"number": f"{number:,}"} if number >= COUNTED else f"{number:,}"
