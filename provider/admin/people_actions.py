"""Many people at once: a page asks once and says with numbers what it does; then it is done to all of them or to none.

For superusers, as everything about people. Choosing asks for no proof; doing does, and keeps what was chosen meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.console import actor
from accounts.fresh_proof import is_fresh
from accounts.models import User
from clients.many import keys_of
from projects.actors import ProofTooOld
from projects.door import actor_of
from projects.kept_forms import waits_for_proof
from provider import people_many
from provider.admin.people_deeds import DEEDS, Deed
from provider.people_many import MOST, Numbers

if TYPE_CHECKING:
    from accounts.admin import UserAdmin as Base
else:
    Base = object

NAMED = 10  # of them by their names
Action = Callable[..., HttpResponse | None]


class StandsInTheWay(Exception):
    """Why nothing was changed."""


class ManyPeople(Base):
    """Mixed into the list of people."""

    most_at_once = MOST

    def get_urls(self) -> list[URLPattern]:
        view = waits_for_proof(self.admin_site.admin_view(self.many_view))
        return [path("many/<slug:deed>/", view, name="accounts_user_many"), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = {**super().get_actions(request)}
        return found | {name: (_action(name), name, str(deed.words)) for name, deed in DEEDS.items()}

    def ask(self, request: HttpRequest, name: str, chosen: QuerySet[User]) -> HttpResponse | None:
        keys = list(chosen.order_by("username").values_list("pk", flat=True)[: MOST + 1])
        if len(keys) > MOST:
            told = _("At most %(most)s people at once. Search for some, or choose filters.")
            self.message_user(request, told % {"most": f"{MOST:,}"}, messages.ERROR)
            return None
        deed, people = DEEDS[name], User.objects.filter(pk__in=keys)
        person = actor(request)
        numbers = Numbers(people, oneself=person if person.pk in keys else None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": deed.title,
            "deed": deed,
            "field": "people",
            "number": len(keys),
            "named": people.order_by("username")[:NAMED],
            "further": max(len(keys) - NAMED, 0),
            "keys": " ".join(map(str, keys)),
            "effects": [*deed.effects(numbers)],
            "obstacles": people_many.obstacles({*keys}, person) if deed.deactivates else [],
            "action": self._with_filters(request, reverse("admin:accounts_user_many", args=[name])),
            "back": request.get_full_path(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/accounts/user/many.html", context)

    def many_view(self, request: HttpRequest, deed: str) -> HttpResponse:
        """Does it, to all of them or to none."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if deed not in DEEDS:
            raise Http404
        if request.method == "POST":
            keys = keys_of(request.POST.get("people", ""), MOST)
            if not is_fresh(request):
                raise ProofTooOld
            if answer := self._do_all(request, DEEDS[deed], keys):
                return answer
        return redirect(self._with_filters(request, reverse("admin:accounts_user_changelist")))

    def _do_all(self, request: HttpRequest, deed: Deed, keys: set[int]) -> HttpResponse | None:
        try:
            with transaction.atomic():
                done = self._done_to_all(request, deed, keys)
        except StandsInTheWay as problem:
            self.message_user(request, _("Nothing was changed."), messages.ERROR)
            self.message_user(request, str(problem), messages.ERROR)
            return None
        if isinstance(done, HttpResponse):
            return done
        self.message_user(request, deed.done(len(done)), messages.SUCCESS)
        return None

    def _done_to_all(self, request: HttpRequest, deed: Deed, keys: set[int]) -> people_many.People | HttpResponse:
        people = people_many.locked(keys, actor(request))
        if problems := people_many.obstacles(keys, actor(request)) if deed.deactivates else []:
            raise StandsInTheWay(problems[0])
        if len(people) < len(keys):
            raise StandsInTheWay(_("Some of these people do not exist any more. Choose them again."))
        done = deed.run(people, actor_of(request))
        if not isinstance(done, HttpResponse) and done:
            LogEntry.objects.log_actions(actor(request).pk, done, CHANGE, str(deed.title))
        return done

    def _with_filters(self, request: HttpRequest, url: str) -> str:
        """The list as it was looked at."""
        filters = self.get_preserved_filters(request)
        return str(add_preserved_filters({"opts": self.opts, "preserved_filters": filters}, url))


def _action(name: str) -> Action:
    def act(admin: ManyPeople, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        return admin.ask(request, name, chosen)

    return act
