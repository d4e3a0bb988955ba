"""The pages that `tests.benchmarks.pages` looks at: of the console, and of the account of somebody who uses much."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.urls import NoReverseMatch, reverse

from accounts.console_lists import MOST
from accounts.models import Group, User
from clients.models import Authorization, Client, RefusedRequest, SecurityEvent, SigningKey
from projects.models import Api, Project

Named = Iterator[tuple[str, str]]
PER_PAGE = 100  # rows of a list, as Django has it


def of_console() -> Named:
    yield from _alone()
    yield from _lists()
    yield from _of_an_app()
    yield from _of_a_project()
    yield from _of_a_person()


def _of(page: str, *args: object, **query: object) -> str:
    return reverse(f"admin:{page}", args=args, query=query or None)


def _last(rows: QuerySet[Model]) -> int:
    """The last page that one may turn to, whatever the size."""
    return max(ceil(min(rows.count(), MOST) / PER_PAGE), 1)


def _alone() -> Named:
    yield "overview", _of("index")
    yield "overview, 30 days", _of("index", days=30)
    yield "overview, 30 days of a project", _of("index", days=30, project="project-00")
    for asked in ("App 0003", "user0003@people.example", "0000000a", "nothing of this kind", "app"):
        yield f"search: {asked}", _of("search", q=asked)
    yield "activity", _of("activity")
    yield "activity, all", _of("activity", days="all")
    yield "activity, refused", _of("activity", kind="refused", days="all")
    yield "activity, changes", _of("activity", kind="changes", days="all")
    yield "activity, sign-ins", _of("activity", kind="sign-ins", days="all")
    yield "activity of an app", _of("activity", app="app-0000", days="all")
    yield "activity of a project", _of("activity", project="project-00", days="all")
    yield "activity of a person", _of("activity", person=User.objects.get(username="user0000").sub, days="all")
    yield "activity, a reference", _of("activity", q="0000000a", days="all")
    yield "activity, nothing found", _of("activity", q="nothing-of-this-kind", days="all")
    yield "activity, CSV", _of("activity", days="all", format="csv")
    yield "export", _of("export")
    yield "inspect", _of("inspect")
    yield "keys, rotate", _of("clients_signingkey_rotate")
    yield "key, activate", _of("clients_signingkey_activate", SigningKey.objects.order_by("kid")[0].pk)


def _lists() -> Named:
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label):
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        try:
            yield f"list of {model._meta.verbose_name_plural}", _of(f"{name}_changelist")
            yield f"add {model._meta.verbose_name}", _of(f"{name}_add")
        except NoReverseMatch:
            continue
    for asked in ("app-0003", "App 00", "nothing"):
        yield f"apps, search {asked}", _of("clients_client_changelist", q=asked)
    yield "apps, last page", _of("clients_client_changelist", p=_last(Client.objects.all()))
    yield (
        "apps, of a project",
        _of("clients_client_changelist", project="project-00"),
    )
    for asked in ("user0003", "Given 00", "nothing"):
        yield f"people, search {asked}", _of("accounts_user_changelist", q=asked)
    yield "people, last page", _of("accounts_user_changelist", p=_last(User.objects.all()))
    yield "authorizations, last page", _of("clients_authorization_changelist", p=_last(Authorization.objects.all()))
    yield "authorizations, search", _of("clients_authorization_changelist", q="app-0000")
    yield "events, last page", _of("clients_securityevent_changelist", p=_last(SecurityEvent.objects.all()))
    yield "an event", _of("clients_securityevent_change", SecurityEvent.objects.latest("at").pk)
    yield "a refused request", _of("clients_refusedrequest_change", RefusedRequest.objects.latest("last_at").pk)


def _of_an_app() -> Named:
    for which in ("app-0000", "app-0001"):
        app = Client.objects.get(client_id=which).pk
        for name in (
            "change",
            "connect",
            "you",
            "access",
            "secrets",
            "keys",
            "people",
            "activity",
            "switch",
            "history",
        ):
            yield f"{which}: {name}", _of(f"clients_client_{name}", app)
        yield f"{which}: delete", _of("clients_client_delete", app)
        yield f"{which}: audience", _of("clients_client_audience", app, audience="https://api.project-00.example/1")
    app = Client.objects.get(client_id="app-0000").pk
    yield "app-0000: people, last page", _of("clients_client_people", app, p=100)
    yield "app-0000: people, search", _of("clients_client_people", app, q="user0003")
    sub = User.objects.get(username="user0003").sub
    yield "app-0000: remove person", _of("clients_client_remove_person", app, sub)
    yield "new app", _of("clients_client_new", project="project-00")
    yield "new app, project", _of("clients_client_new")


def _of_a_project() -> Named:
    first = Project.objects.get(key="project-00")
    for name in ("change", "overview", "consent", "claims", "members", "delete", "history"):
        yield f"project: {name}", _of(f"projects_project_{name}", first.pk)
    yield "project: member", _of("projects_project_member", first.pk, first.members.order_by("pk")[0].pk)
    api = Api.objects.get(identifier="https://api.project-00.example/0").pk
    for name in ("change", "callers", "delete", "history"):
        yield f"API: {name}", _of(f"projects_api_{name}", api)
    yield "audience map", _of("projects_api_map", project="project-00")
    yield "audience map of a small project", _of("projects_api_map", project="project-02")
    yield "audience map, which project", _of("projects_api_map")


def _of_a_person() -> Named:
    group = Group.objects.order_by("name")[0].pk
    yield "group", _of("accounts_group_change", group)
    for who in ("user0000", "user0003"):
        person = User.objects.get(username=who)
        for name in ("person", "change", "history", "delete"):
            yield f"{who}: {name}", _of(f"accounts_user_{name}", person.pk)
        for act in ("deactivate", "sign-out-everywhere", "second-steps"):
            yield f"{who}: {act}", _of("accounts_user_person_act", person.pk, act)
    yield "user0000: all apps", f"{_of('accounts_user_person', User.objects.get(username='user0000').pk)}?apps=all"


def of_account() -> Named:
    home = "/accounts/"
    names = ("profile", "email", "security", "sessions", "linked", "mails", "activity", "apps", "delete", "two-step")
    yield "home", "/"
    for name in (*names, "password/set", "logout", "switch"):
        yield f"account: {name}", f"{home}{name}/"
    yield "account: app", f"{home}apps/project-00/"
    yield "account: remove app", f"{home}apps/project-00/remove/"
    yield "consent", f"/oauth2/authorize?{urlencode(_ASKS)}"


_ASKS = {
    "response_type": "code",
    "client_id": "app-0003",
    "redirect_uri": "https://app-0003.example/callback",
    "scope": "openid email",
    "prompt": "consent",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
