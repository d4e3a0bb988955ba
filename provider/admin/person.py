"""The page of a person: what apps may do in their name, where they are signed in, and how all of it ends.

Registered here, because what apps may do is known from this layer on. For superusers only, as everything about people:
looking asks for nothing more; each thing that is done is asked on a page of its own, behind a fresh proof.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from accounts.admin import UserAdmin
from accounts.console import actor
from accounts.models import User
from accounts.sign_in import SESSION_KEY
from provider import people_many
from provider.admin import person_cards
from provider.admin.people_actions import ManyPeople
from provider.admin.person_account import ACCOUNT
from provider.admin.person_acts import Act, Doing
from provider.admin.person_ends import ENDS

ACTS: Mapping[str, Act] = {**ENDS, **ACCOUNT}


def page_of(person: User) -> str:
    return reverse("admin:accounts_user_person", args=[quote(person.pk)])


@admin.register(User)
class PersonAdmin(ManyPeople, UserAdmin):
    just_shown = (*UserAdmin.just_shown, "person")
    first_page = "person"
    object_history_template = "admin/accounts/user/history.html"
    ask_themselves = ("changelist", "many")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<path:object_id>/person/", wrap(self.person_view), name="accounts_user_person"),
            path("<path:object_id>/person/<slug:name>/", wrap(self.act_view), name="accounts_user_person_act"),
        ]
        return [*pages, *super().get_urls()]

    def person_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        person = self._person(request, object_id, change=False)
        may_change = self.has_change_permission(request, person)
        apps, number = person_cards.apps_of(person, everything=request.GET.get("apps") == "all")
        context = {
            "title": person.get_full_name() or person.get_username(),
            "here": "person",
            "apps": apps,
            "all_apps": number if number > len(apps) else 0,
            "browsers": person_cards.browsers_of(person, request.session.get(SESSION_KEY, "")),
            "security": person_cards.security_of(person),
            "belonging": person_cards.belonging_of(person),
            "links": {name.replace("-", "_"): person_cards.url_of(person, name) for name in ACTS} if may_change else {},
            "may_change": may_change,
        }
        return self._page(request, person, "person.html", context)

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """The question; the POST of its form does it."""
        act = ACTS.get(name)
        if act is None:
            raise Http404
        of = request.GET.get("of", "")
        if request.method == "POST":
            return self._do(request, object_id, act, of)
        person = self._person(request, object_id, change=True)
        question = act.ask(Doing(request, person, of))
        if question is None:
            return self._nothing_there(request, person)
        context = {"title": question.title, "question": question, "back": page_of(person)}
        return self._page(request, person, "person_act.html", context)

    def _do(self, request: HttpRequest, object_id: str, act: Act, of: str) -> HttpResponse:
        with transaction.atomic():
            person = self._locked(request, self._person(request, object_id, change=True))
            done = act.do(Doing(request, person, of))
            if done is not None:
                self.log_change(request, person, done.history)
        if done is None:
            return self._nothing_there(request, person)
        messages.success(request, done.told)
        return redirect(page_of(person))

    def _locked(self, request: HttpRequest, person: User) -> User:
        """As it is once nobody else changes it. Raises PermissionDenied for who may not do this any more."""
        row = next(iter(people_many.locked({person.pk}, actor(request))), None)
        if row is None:
            raise Http404
        return row

    def _nothing_there(self, request: HttpRequest, person: User) -> HttpResponse:
        messages.info(request, _("There is nothing of the kind, or no longer. Nothing was changed."))
        return redirect(page_of(person))

    def _person(self, request: HttpRequest, object_id: str, *, change: bool) -> User:
        may = self.has_change_permission if change else self.has_view_permission
        if not may(request):
            raise PermissionDenied
        person: User | None = self.get_object(request, unquote(object_id))
        if person is None:
            raise Http404
        return person

    def _page(self, request: HttpRequest, person: User, template: str, context: Mapping[str, object]) -> HttpResponse:
        request.current_app = self.admin_site.name
        shown = {**self.admin_site.each_context(request), "opts": self.opts, "original": person, **context}
        return TemplateResponse(request, f"admin/accounts/user/{template}", shown)
