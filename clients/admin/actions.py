"""Many apps at once: a page asks once and says with numbers what it does; then it is done to all of them or to none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.console import actor
from accounts.fresh_proof import is_fresh
from clients import many, registration
from clients.models import Client
from projects import access
from projects.actors import Actor, ProofTooOld
from projects.console import forget_roles, roles_of
from projects.door import actor_of
from projects.problems import RegistrationError

if TYPE_CHECKING:
    from projects.console import ProjectScopedAdmin as Base
else:
    Base = object

NAMED = 10  # of them by their names
SAID = 5  # problems: the rest is counted
Apps = Sequence[Client]
Action = Callable[..., HttpResponse | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done to apps. `run` answers those that it did something to."""

    words: str | Promise
    title: str | Promise
    means: str | Promise
    yes: str | Promise
    done: Callable[[int], str]
    run: Callable[[Apps, Actor], Apps]
    hurts: bool = False  # people lose access, or something is gone
    deletes: bool = False
    asks_for_proof: bool = False  # of what cannot be undone


def _enable(apps: Apps, by: Actor) -> Apps:
    return many.switch(apps, by, on=True)


def _disable(apps: Apps, by: Actor) -> Apps:
    return many.switch(apps, by, on=False)


def _delete(apps: Apps, by: Actor) -> Apps:
    many.delete(apps, by)
    return apps


DEEDS: dict[str, Deed] = {
    "enable": Deed(
        words=gettext_lazy("Enable"),
        title=gettext_lazy("Enable apps"),
        means=gettext_lazy("They get tokens again. What they had before they were disabled stays over."),
        yes=gettext_lazy("Yes, enable them"),
        done=lambda n: ngettext("%(number)s app enabled.", "%(number)s apps enabled.", n) % {"number": n},
        run=_enable,
    ),
    "disable": Deed(
        words=gettext_lazy("Disable"),
        title=gettext_lazy("Disable apps"),
        means=gettext_lazy("They get no tokens, and those they have stop working at once. They can be enabled again."),
        yes=gettext_lazy("Yes, disable them"),
        done=lambda n: ngettext("%(number)s app disabled.", "%(number)s apps disabled.", n) % {"number": n},
        run=_disable,
        hurts=True,
    ),
    "delete": Deed(
        words=gettext_lazy("Delete"),
        title=gettext_lazy("Delete apps"),
        means=gettext_lazy(
            "Their registrations, secrets and tokens are gone, and their client IDs can never be used again. To pause "
            "them, disable them instead."
        ),
        yes=gettext_lazy("Yes, delete them"),
        done=lambda n: ngettext("%(number)s app deleted.", "%(number)s apps deleted.", n) % {"number": n},
        run=_delete,
        hurts=True,
        deletes=True,
        asks_for_proof=True,
    ),
}


class Gone(Exception):
    """One of them is not there, or not theirs to know of."""


class ManyApps(Base):
    """Mixed into the list of apps."""

    deeds: Mapping[str, Deed] = DEEDS
    most_at_once = many.MOST

    def get_urls(self) -> list[Any]:
        pages: list[URLPattern] = [
            path("many/<slug:deed>/", self.admin_site.admin_view(self.many_view), name="clients_client_many")
        ]
        return pages + super().get_urls()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One for each deed, for whoever may change apps of some project."""
        found: dict[str, Any] = {**super().get_actions(request)}
        if access.editable(actor(request)).exists():
            found |= {name: (_action(name), name, str(deed.words)) for name, deed in self.deeds.items()}
            found["export"] = (_export, "export", _("Export"))
        return found

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        extra = {"may_export": access.editable(actor(request)).exists(), **(extra_context or {})}
        return super().changelist_view(request, extra)

    def effects(self, deed: str, apps: QuerySet[Client]) -> list[str]:
        """Sentences with numbers: who loses what."""
        return []

    # --- The question ---

    def ask(self, request: HttpRequest, name: str, chosen: QuerySet[Client]) -> HttpResponse | None:
        keys = self.theirs(request, chosen)
        if not keys:
            return None
        deed, apps = self.deeds[name], Client.objects.filter(pk__in=keys)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": deed.title,
            "deed": deed,
            "field": "apps",
            "number": len(keys),
            "named": apps.select_related("project").order_by("name", "client_id")[:NAMED],
            "further": max(len(keys) - NAMED, 0),
            "keys": " ".join(map(str, keys)),
            "left_alone": chosen.count() - len(keys),
            "effects": self.effects(name, apps),
            "obstacles": many.obstacles(apps) if deed.deletes else [],
            "action": self._with_filters(request, reverse("admin:clients_client_many", args=[name])),
            "back": request.get_full_path(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/clients/client/many.html", context)

    def theirs(self, request: HttpRequest, chosen: QuerySet[Client]) -> list[int]:
        """Of those that were chosen, the ones they may change; none, when that is said to them."""
        mine = chosen.filter(project__in=access.editable(actor(request)))
        keys = list(mine.order_by("name", "client_id").values_list("pk", flat=True)[: many.MOST + 1])
        if len(keys) > many.MOST:
            told = _("At most %(most)s apps at once. Choose a project, or search for some.")
            self.message_user(request, told % {"most": many.MOST}, messages.ERROR)
            return []
        if not keys:
            self.message_user(request, _("You may only look at these apps. They were left alone."), messages.WARNING)
        return keys

    # --- The answer ---

    def many_view(self, request: HttpRequest, deed: str) -> HttpResponse:
        """Does it, to all of them or to none."""
        wanted = self.deeds.get(deed)
        if wanted is None:
            raise Http404
        if request.method == "POST":
            keys = many.keys_of(request.POST.get("apps", ""))
            if wanted.asks_for_proof and not is_fresh(request):
                raise ProofTooOld
            self._do(request, wanted, keys)
        return redirect(self._with_filters(request, reverse("admin:clients_client_changelist")))

    def _do(self, request: HttpRequest, deed: Deed, keys: set[int]) -> None:
        try:
            with transaction.atomic():
                apps = self._locked(request, keys)
                self._note(request, deed, apps if deed.deletes else ())
                changed = deed.run(apps, actor_of(request))
                self._note(request, deed, () if deed.deletes else changed)
        except Gone:
            told = _("Nothing was changed: some of these apps do not exist. Choose them again.")
            self.message_user(request, told, messages.ERROR)
        except RegistrationError as error:
            self.message_user(request, _("Nothing was changed."), messages.ERROR)
            for one in error.problems[:SAID]:
                self.message_user(request, one.message, messages.ERROR)
        else:
            self.message_user(request, deed.done(len(changed)), messages.SUCCESS)

    def _locked(self, request: HttpRequest, keys: set[int]) -> Apps:
        """Nobody else changes them until the transaction ends. Who waited may have lost the role meanwhile."""
        ids = list(self.get_queryset(request).filter(pk__in=keys).values_list("client_id", flat=True))
        apps = list(registration.locked(ids).values())
        forget_roles(request)
        roles = roles_of(request)
        if len(apps) < len(keys) or not all(roles.in_project(one.project_id, access.VIEWERS) for one in apps):
            raise Gone
        if not all(roles.in_project(one.project_id, access.EDITORS) for one in apps):
            raise PermissionDenied
        return apps

    def _note(self, request: HttpRequest, deed: Deed, apps: Apps) -> None:
        """In the history of each."""
        if apps:
            flag = DELETION if deed.deletes else CHANGE
            said = "" if deed.deletes else str(deed.title)
            LogEntry.objects.log_actions(actor(request).pk, apps, flag, said)

    def _with_filters(self, request: HttpRequest, url: str) -> str:
        """The list as it was looked at."""
        filters = self.get_preserved_filters(request)
        return str(add_preserved_filters({"opts": self.opts, "preserved_filters": filters}, url))


def _action(name: str) -> Action:
    def act(admin: ManyApps, request: HttpRequest, chosen: QuerySet[Client]) -> HttpResponse | None:
        return admin.ask(request, name, chosen)

    return act


def _export(admin: ManyApps, request: HttpRequest, chosen: QuerySet[Client]) -> HttpResponse | None:
    """Nothing is changed: the page that gives the file asks what shall be in it."""
    keys = admin.theirs(request, chosen)
    if not keys:
        return None
    request.current_app = admin.admin_site.name
    context = {**admin.admin_site.each_context(request), "title": _("Export apps"), "keys": " ".join(map(str, keys))}
    return TemplateResponse(request, "admin/export.html", {**context, "number": len(keys)})
