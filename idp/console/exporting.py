"""A page that gives what there is as the file that `applyconfig` reads: everything, a project, or some apps.

Secrets are left out, or said to be elsewhere: nobody has them in clear, and their hashes are for the command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.contrib.admin import site
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.console import actor
from clients.many import keys_of
from clients.models import Client
from common import clock
from idp.configuration.export import Exported, What, export, export_apps
from idp.configuration.export_secrets import SecretsAs
from idp.configuration.reading import MAX_CHARACTERS
from idp.configuration.written import as_json_text, as_yaml
from projects import access
from projects.actors import Actor
from projects.door import actor_of
from projects.events import Detail, record, record_all, record_each
from projects.models import Project

EXPORTED = "configuration.exported"
SECRETS = (SecretsAs.LEFT_OUT, SecretsAs.VARIABLES, SecretsAs.FILES)
FORMATS: dict[str, tuple[str, Callable[..., str]]] = {
    "yaml": ("application/yaml", as_yaml),
    "json": ("application/json", as_json_text),
}
_NO_NAME = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True)
class Chosen:
    """What somebody wants to have. `None` for projects and for apps: everything there is."""

    title: str
    name: str  # of the file
    projects: Sequence[Project] | None = None
    apps: QuerySet[Client] | None = None
    people: bool = False  # of projects: with who is in them

    def exported(self, secrets: SecretsAs) -> Exported:
        if self.apps is not None:
            return export_apps(self.apps, secrets)
        return export(What(self.projects, people=self.people, secrets=secrets))


def page(request: HttpRequest) -> HttpResponse:
    """Asks what shall be in the file, and gives it."""
    if not access.editable(actor(request)).exists() and not actor(request).is_superuser:
        raise PermissionDenied
    chosen = _chosen(request)
    if request.method == "POST" and "format" in request.POST:
        return _file(request, chosen)
    request.current_app = site.name
    project = chosen.projects[0] if chosen.projects and "project" in request.GET else None
    context = {"title": chosen.title, "project": project}
    return TemplateResponse(request, "admin/export.html", {**site.each_context(request), **context})


def _chosen(request: HttpRequest) -> Chosen:
    """Only of projects that they may change: who may look only neither runs, rotates nor exports anything."""
    person = actor(request)
    editable = access.editable(person)
    if "apps" in request.POST:
        keys = keys_of(request.POST["apps"])
        apps = Client.objects.filter(pk__in=keys, project__in=editable)
        if apps.count() < len(keys):
            raise Http404
        return Chosen(_("Export apps"), "apps", apps=apps)
    if "project" in request.GET:
        project = editable.filter(key=request.GET["project"]).first()
        if project is None:
            raise Http404
        return Chosen(_("Export %(name)s") % {"name": project.name}, project.key, [project])
    if person.is_superuser:
        return Chosen(_("Export everything"), "everything")
    mine = list(editable.order_by("key"))
    if not mine:
        raise PermissionDenied  # the last of them was taken away since the page began
    return Chosen(_("Export your projects"), "projects", mine)


def _file(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    wanted, form = request.POST.get("secrets", SecretsAs.LEFT_OUT), request.POST["format"]
    if form not in FORMATS or wanted not in [one.value for one in SECRETS]:
        raise BadRequest("There is no such way to export.")
    chosen = replace(chosen, people="people" in request.POST)
    exported = chosen.exported(SecretsAs(wanted))
    kind, written = FORMATS[form]
    text = written(exported.document)
    if form == "yaml":
        text = "".join(f"# {line}\n" for line in _told(chosen, exported, text)) + text
    _record(actor_of(request), chosen, {"what": chosen.name, "secrets": wanted})
    answer = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    name = f"{_NO_NAME.sub('-', chosen.name.lower())}-{clock.now():%Y-%m-%d}.{form}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _record(by: Actor, chosen: Chosen, said: dict[str, Detail]) -> None:
    """One event for each of these apps or projects: its members read it, and learn of no other."""
    if chosen.apps is not None:
        record_all(by, EXPORTED, dict.fromkeys(chosen.apps.values_list("client_id", flat=True), said))
        return
    if chosen.projects is None:
        record(by, EXPORTED, people=chosen.people, **said)  # there may be no project
    projects = Project.objects.order_by("key") if chosen.projects is None else chosen.projects
    record_each(by, EXPORTED, [{**said, "project": one.key, "people": chosen.people} for one in projects])


def _told(chosen: Chosen, exported: Exported, text: str) -> Iterator[str]:
    """What stands on top of the file: what it is, and what it cannot say."""
    yield "Read by manage.py applyconfig. Applied where it comes from, it changes nothing."
    if chosen.apps is not None:
        yield "Some apps of their projects. Do not apply it with --prune: that deletes the others."
    yield from (" ".join(sentence.split()) for sentence in exported.left_out)
    if exported.references:
        yield f"Has to be there where it is applied: {', '.join(exported.references)}."
    if len(text) > MAX_CHARACTERS:
        yield "The file is too large for applyconfig. Export single projects."
