"""Where one goes in the console: by what one wants to do, not by table.

The project that somebody looks at is in the address (`?project=`), so that a page can be sent to a colleague and
nothing is remembered about anybody. The links here carry it to every list that has that filter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qs, urlencode

from django.contrib.admin import site
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.console import ConsoleAdmin, ModelAdmin
from projects.access import VIEWERS
from projects.console import ProjectFilter, roles_of
from projects.models import Project

MOST_PROJECTS = 12  # in the menu: more are found in their list


@dataclass(frozen=True)
class Task:
    """Something to do, and the lists it needs; it leads to the first that somebody may see.

    `page`: one of its own before the lists, for whoever is in a project. `behind`: lists that it shows the rows of.
    `further`: pages of its own behind the lists, by the names of their addresses.
    """

    key: str
    label: str | Promise
    models: tuple[str, ...]
    page: str = ""
    page_label: str | Promise = ""
    behind: tuple[str, ...] = ()
    further: tuple[tuple[str, str | Promise], ...] = ()


TASKS = (
    Task("apps", _("Apps"), ("clients.Client", "clients.Guest", "clients.InitialAccessToken")),
    Task("apis", _("APIs"), ("projects.Api",)),
    Task(
        "people",
        _("People"),
        (
            *("accounts.User", "accounts.Group", "projects.ProjectRole", "projects.Invitation"),
            *("clients.Authorization", "accounts.Attribute"),
        ),
    ),
    Task(
        "activity",
        _("Activity"),
        ("clients.LogoutNotice", "clients.Delivery"),
        page="activity",
        page_label=_("Everything"),
        behind=("clients.RefusedRequest", "clients.SecurityEvent", "accounts.AccountEvent"),
        further=(("inspect", _("Inspect a token")),),
    ),
    Task("keys", _("Keys"), ("clients.SigningKey",)),
    Task(
        "settings",
        _("Settings"),
        ("projects.Project", "clients.Webhook", "clients.Stream", "upstream.Connector", "clients.BlockedHost"),
    ),
)
LAST = TASKS[-1]
OVERVIEW = _("Overview")
OTHER_PAGES = {
    "auth_user_password_change": "accounts.User",
    "export": "clients.Client",
}  # addresses that do not begin with their model's name


@dataclass(frozen=True)
class Place:
    """A link of the navigation."""

    label: str
    url: str
    here: bool = False
    pages: list[Place] = field(default_factory=list)
    current: str = "page"


@dataclass(frozen=True)
class Here:
    """The page that is shown: which list it is of, and whether it is one behind the page of a row."""

    label: str
    list_url: str
    further: bool


@dataclass(frozen=True)
class Choice:
    name: str
    url: str
    chosen: bool


class Console:
    """What the frame around each page shows to one person."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        match = request.resolver_match
        self.address = (match.url_name if match else "") or ""

    @cached_property
    def model(self) -> str:
        """Of the page that is shown, as `app.Model`; empty on pages that are of none."""
        if known := OTHER_PAGES.get(self.address):
            return known
        for model in site._registry:
            opts = model._meta
            if self.address.startswith(f"{opts.app_label}_{opts.model_name}_"):
                return opts.label
        return ""

    @cached_property
    def tasks(self) -> list[Place]:
        overview = Place(str(OVERVIEW), self._with_project(reverse("admin:index")), self.address == "index")
        return [overview, *self._tasks()]

    def _tasks(self) -> Iterator[Place]:
        pages = {model._meta.label: admin for model, admin in site._registry.items()}
        for task in TASKS:
            models = models_of(task)
            shown = [pages[label] for label in models if label in pages and label not in task.behind]
            seen = [admin for admin in shown if _may_see(admin, self.request)]
            first = self._own(task)
            if not (seen or first):
                continue
            further = [
                Place(str(label), reverse(f"admin:{name}"), self.address == name) for name, label in task.further
            ]
            here = self.model in models or self.address == task.page != "" or any(one.here for one in further)
            inside = [*first, *(self._page(admin) for admin in seen), *(further if first else ())] if here else []
            current = "true" if here and len(inside) > 1 else "page"
            yield Place(str(task.label), first[0].url if first else self._url(seen[0]), here, inside, current)

    def _own(self, task: Task) -> list[Place]:
        """Its page, for members of projects and superusers."""
        if not task.page or not roles_of(self.request).in_any_project(VIEWERS):
            return []
        here = self.address == task.page or self.model in task.behind
        return [Place(str(task.page_label), self._with_project(reverse(f"admin:{task.page}")), here)]

    def _further(self, name: str, label: str | Promise) -> Place:
        return Place(str(label), reverse(f"admin:{name}"), self.address == name)

    def _page(self, admin: ModelAdmin) -> Place:
        return Place(_name(admin), self._url(admin), admin.opts.label == self.model)

    def _url(self, admin: ModelAdmin) -> str:
        url = reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_changelist")
        return self._with_project(url) if _has_projects(admin, self.request) else url

    def _with_project(self, url: str) -> str:
        return f"{url}?{urlencode({'project': self.project.key})}" if self.project else url

    @cached_property
    def page(self) -> Here | None:
        admin = next((one for model, one in site._registry.items() if model._meta.label == self.model), None)
        if admin is None:
            return None
        further = not self.address.endswith(("_changelist", "_add", "_change")) or self.address in OTHER_PAGES
        return Here(_name(admin), self._url(admin), further)

    # --- The project ---

    @cached_property
    def _visible(self) -> QuerySet[Project]:
        """Of their roles, which were read already (`projects.access.visible` would ask once more)."""
        roles = roles_of(self.request)
        return Project.objects.all() if roles.is_superuser else Project.objects.filter(pk__in=[*roles.by_project])

    @cached_property
    def _key(self) -> str:
        """Of the list, or of the list that somebody came from."""
        before = parse_qs(self.request.GET.get("_changelist_filters", "")).get("project", [""])[0]
        key = self.request.GET.get("project", before)
        return "" if "\0" in key else key  # what stood there was decoded twice

    @cached_property
    def _first(self) -> list[Project]:
        return list(self._visible.order_by("name", "key").only("key", "name")[: MOST_PROJECTS + 1])

    @cached_property
    def project(self) -> Project | None:
        if not self._key:
            return None
        known = next((one for one in self._first if one.key == self._key), None)
        return known or self._visible.filter(key=self._key).only("key", "name").first()

    @cached_property
    def more_projects(self) -> bool:
        return len(self._first) > MOST_PROJECTS

    @cached_property
    def projects(self) -> list[Choice]:
        """None where there is nothing to choose."""
        shown = self._first[:MOST_PROJECTS]
        if self.project and self.project not in shown:
            shown = [self.project, *shown[:-1]]
        if len(shown) < 2:
            return []
        base = self._base
        return [Choice(one.name, f"{base}?{urlencode({'project': one.key})}", one == self.project) for one in shown]

    @cached_property
    def everywhere(self) -> str:
        return self._base

    @cached_property
    def _base(self) -> str:
        """Where the choice of a project leads: to this list, if it knows projects, else to the overview."""
        if self.address and self.address in {task.page for task in TASKS}:
            return reverse(f"admin:{self.address}")
        admin = next((one for model, one in site._registry.items() if model._meta.label == self.model), None)
        if admin is not None and self.address.endswith("_changelist") and _has_projects(admin, self.request):
            return reverse(f"admin:{self.address}")
        return reverse("admin:index")


def models_of(task: Task) -> list[str]:
    """What is in no row of the table stands at the end of the last."""
    named = {model for one in TASKS for model in (*one.models, *one.behind)}
    rest = [model._meta.label for model in site._registry if model._meta.label not in named] if task is LAST else []
    return [*task.models, *task.behind, *rest]


def _name(admin: ModelAdmin) -> str:
    return admin.list_name if isinstance(admin, ConsoleAdmin) else capfirst(str(admin.opts.verbose_name_plural))


def _may_see(admin: ModelAdmin, request: HttpRequest) -> bool:
    return bool(admin.has_module_permission(request) and admin.has_view_permission(request))


def _has_projects(admin: ModelAdmin, request: HttpRequest) -> bool:
    filters = admin.get_list_filter(request)
    return any(isinstance(one, type) and issubclass(one, ProjectFilter) for one in filters)
