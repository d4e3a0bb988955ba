"""What is done to many people at once from their list: each asks once, and says in numbers what it does."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from common import clock
from projects.actors import Actor
from projects.events import record
from provider import people_many
from provider.admin.happened.export import harmless
from provider.living import COUNTED
from provider.people_many import Numbers, People

EXPORTED = "people.exported"
COLUMNS = (
    *("sub", "username", "given_name", "family_name", "email", "active", "staff", "superuser"),
    *("last_sign_in", "since"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`run` answers those that it did something to; of a file, the file."""

    words: str | Promise
    title: str | Promise
    means: str | Promise
    yes: str | Promise
    run: Callable[[People, Actor], People | HttpResponse]
    done: Callable[[int], str] = str
    effects: Callable[[Numbers], Iterator[str]] = lambda _numbers: iter(())
    hurts: bool = False
    deactivates: bool = False


def _browsers(numbers: Numbers) -> Iterator[str]:
    said = ngettext("%(number)s browser is signed out.", "%(number)s browsers are signed out.", numbers.browsers)
    yield said % {"number": _number(numbers.browsers)} if numbers.browsers else _("None of them is signed in.")


def _signing_out(numbers: Numbers) -> Iterator[str]:
    yield from _browsers(numbers)
    if numbers.oneself:
        yield _("Your own account is among them: you sign in again then.")


def _deactivating(numbers: Numbers) -> Iterator[str]:
    yield from _browsers(numbers)
    said = ngettext(
        "%(number)s authorization ends. Its codes and tokens stop working at once.",
        "%(number)s authorizations end. Their codes and tokens stop working at once.",
        numbers.authorizations,
    )
    yield (
        said % {"number": _number(numbers.authorizations)}
        if numbers.authorizations
        else _("No app may do anything in their name.")
    )


def _steps(numbers: Numbers) -> Iterator[str]:
    said = ngettext(
        "%(number)s person loses a second step, and is signed out.",
        "%(number)s people lose their second steps, and are signed out.",
        numbers.second_steps,
    )
    number = _number(numbers.second_steps)
    yield said % {"number": number} if numbers.second_steps else _("None of them has a second step.")
    if numbers.own_second_step:
        yield _("Your own account is among them: you sign in again then, without a second step.")


def _number(number: int) -> str:
    return _("%(number)s or more") % {"number": f"{number:,}"} if number >= COUNTED else f"{number:,}"


def _file(people: People, by: Actor) -> HttpResponse:
    """For table calculators. That it was taken is an event, which names nobody."""
    record(by, EXPORTED, number=len(people))
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    writer = csv.writer(answer)
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, sorted(people, key=lambda one: one.username)))
    answer["Content-Disposition"] = f'attachment; filename="people-{clock.now():%Y-%m-%d}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


def _row(one: User) -> list[str]:
    rights = (one.is_active, one.is_staff, one.is_superuser)
    moments = (one.last_login, one.date_joined)
    texts = (one.sub, one.username, one.first_name, one.last_name, one.email)
    return [
        *map(harmless, texts),
        *("yes" if right else "no" for right in rights),
        *(moment.isoformat(timespec="seconds") if moment else "" for moment in moments),
    ]


DEEDS: Mapping[str, Deed] = {
    "deactivate": Deed(
        words=gettext_lazy("Deactivate"),
        title=gettext_lazy("Deactivate people"),
        means=gettext_lazy(
            "They cannot sign in any more. What apps have of them ends for good: active again, they sign in anew."
        ),
        yes=gettext_lazy("Yes, deactivate them"),
        run=people_many.deactivate,
        done=lambda n: ngettext("%(number)s person deactivated.", "%(number)s people deactivated.", n) % {"number": n},
        effects=_deactivating,
        hurts=True,
        deactivates=True,
    ),
    "sign-out": Deed(
        words=gettext_lazy("Sign out everywhere"),
        title=gettext_lazy("Sign people out everywhere"),
        means=gettext_lazy(
            "Apps hear of it, and what they have by these sign-ins ends. What an app may do while somebody is away "
            "goes on: remove its access to end that, too."
        ),
        yes=gettext_lazy("Yes, sign them out"),
        run=people_many.sign_out,
        done=lambda n: (
            ngettext("%(number)s person is signed out everywhere.", "%(number)s people are signed out everywhere.", n)
            % {"number": n}
        ),
        effects=_signing_out,
        hurts=True,
    ),
    "second-steps": Deed(
        words=gettext_lazy("Remove second steps"),
        title=gettext_lazy("Remove second steps of people"),
        means=gettext_lazy(
            "The authenticator app, the passkeys and the recovery codes are gone. For who lost their devices and codes."
        ),
        yes=gettext_lazy("Yes, remove them"),
        run=people_many.remove_second_steps,
        done=lambda n: (
            ngettext("%(number)s person has no second step now.", "%(number)s people have no second step now.", n)
            % {"number": n}
        ),
        effects=_steps,
        hurts=True,
    ),
    "export": Deed(
        words=gettext_lazy("Export"),
        title=gettext_lazy("Export people"),
        means=gettext_lazy(
            "A table of their names, addresses, rights and last sign-ins, for a table calculator. No attribute, "
            "password or second step is in it."
        ),
        yes=gettext_lazy("Download CSV"),
        run=_file,
    ),
}
