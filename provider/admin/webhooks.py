"""Webhooks in the console: what a project is told, whether it arrives, secrets that are shown once, and a test."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import EMPTY, actor, moment
from clients import webhooks
from clients.models import Delivery, Webhook
from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from clients.webhooks import WebhookMetadata
from projects import access
from projects.console import ProjectFilter, ProjectScopedAdmin
from projects.door import DoorForm, actor_of
from projects.problems import RegistrationError
from provider.admin.activity import ReadOnly

MOST_OFFERED = 100  # webhooks in a filter


class WebhookForm(DoorForm):
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=ToldKind.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("None ticked: all of them, those of later versions included."),
    )

    class Meta:
        model = Webhook
        fields = ["project", "url", "description", "kinds", "enabled"]
        help_texts = {
            "url": gettext_lazy("An https address. What is sent there is signed (Standard Webhooks)."),
            "enabled": gettext_lazy("While it is not, what happens waits for 30 days, and is sent once it is again."),
        }

    wanted: WebhookMetadata

    def clean(self) -> dict[str, Any]:
        super().clean()
        current = self.instance if self.instance.pk and not self.instance._state.adding else None
        said, project = self.cleaned_data, current.project if current else self.cleaned_data.get("project")
        if project is not None and not self.errors:
            self.wanted = WebhookMetadata(
                url=said["url"],
                description=said["description"],
                kinds=tuple(said["kinds"]),
                enabled=said["enabled"],
            )
            self.show(webhooks.problems(self.wanted, project, self.by, current))
        return said


@admin.register(Webhook)
class WebhookAdmin(ProjectScopedAdmin):
    form = WebhookForm
    change_form_template = "admin/clients/webhook/change_form.html"
    comes_when = gettext_lazy("A webhook is an address that is told at once what happens in a project.")
    list_display = ["url", "project", "state", "last_try", "last_status", "last_problem", "waiting"]
    list_filter = [ProjectFilter, "enabled"]
    list_select_related = ["project"]
    search_fields = ["url", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """With what the last try came to, and how much waits."""
        found: QuerySet[Webhook] = super().get_queryset(request)
        tried = Delivery.objects.filter(webhook=OuterRef("pk"), tried_at__isnull=False).order_by("-tried_at")
        last = {f"last_{name}": Subquery(tried.values(name)[:1]) for name in ("tried_at", "status", "problem")}
        due = Count("deliveries", filter=Q(deliveries__state=NoticeState.DUE))
        return found.annotate(**{f"_{name}": one for name, one in last.items()}, _waiting=due)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        said = list(WebhookForm.Meta.fields)
        return [*said, "state", "waiting", "deliveries_of_it"] if obj else said

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["project", "state", "waiting", "deliveries_of_it"] if obj else []

    @admin.display(description=gettext_lazy("state"))
    def state(self, webhook: Webhook) -> str:
        if webhook.enabled:
            return _("fails: left alone for a while") if webhook.failures else _("enabled")
        if not webhook.disabled_because:
            return _("disabled")
        return _("disabled after a day without success: %(problem)s") % {"problem": webhook.disabled_because}

    @admin.display(description=gettext_lazy("last try"))
    def last_try(self, webhook: Webhook) -> str:
        return moment(vars(webhook).get("_last_tried_at"))

    @admin.display(description=gettext_lazy("status of the answer"))
    def last_status(self, webhook: Webhook) -> str:
        return str(vars(webhook).get("_last_status") or EMPTY)

    @admin.display(description=gettext_lazy("last problem"))
    def last_problem(self, webhook: Webhook) -> str:
        return vars(webhook).get("_last_problem") or ""

    @admin.display(description=gettext_lazy("waiting"))
    def waiting(self, webhook: Webhook) -> int:
        return int(vars(webhook).get("_waiting") or 0)

    @admin.display(description=gettext_lazy("deliveries"))
    def deliveries_of_it(self, webhook: Webhook) -> str:
        url = reverse("admin:clients_delivery_changelist", query={"webhook": str(webhook.pk)})
        return format_html('<a href="{}">{}</a>', url, _("What was sent, and what became of it"))

    # --- Writing ---

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        """The registration writes it; Django only notes it for its history. The secret is for `response_add` alone."""
        if change:
            webhooks.change(obj, form.wanted, actor_of(request))
            return
        made, secret = webhooks.register(form.wanted, form.cleaned_data["project"], actor_of(request))
        vars(obj).update(vars(made))
        vars(request)["made_once"] = secret

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The only answer that ever shows it."""
        return self._once(request, obj, vars(request).pop("made_once"))

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        webhooks.delete(obj, actor_of(request))

    # --- Its secrets, and a test ---

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.secrets_view)
        return [path("<path:object_id>/secrets/", view, name="clients_webhook_secrets"), *super().get_urls()]

    def secrets_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = self.get_object(request, unquote(object_id))
        if webhook is None:
            raise Http404
        if not self.has_change_permission(request, webhook):
            raise PermissionDenied
        if request.method == "POST":
            return self._done(request, webhook)
        context = {"title": _("Secrets, and a test"), "original": webhook}
        return self._page(request, "secrets.html", context)

    def _done(self, request: HttpRequest, webhook: Webhook) -> HttpResponse:
        wanted, by = request.POST.get("do"), actor_of(request)
        try:
            with transaction.atomic():
                if wanted == "rotate":
                    secret = webhooks.rotate(webhook, by)
                    self.log_change(request, webhook, _("Made a new secret."))
                    return self._once(request, webhook, secret)
                if wanted == "end" and webhooks.end_previous(webhook, by):
                    self.log_change(request, webhook, _("Ended the older secret."))
                    messages.success(request, _("The older secret signs nothing any more."))
                elif wanted == "test":
                    webhooks.test(webhook, by)
                    messages.success(
                        request, _("A test will be sent in a moment. The deliveries say what became of it.")
                    )
        except RegistrationError as error:
            messages.error(request, error.problems[0].message)
        return redirect("admin:clients_webhook_secrets", webhook.pk)

    def _once(self, request: HttpRequest, webhook: Webhook, secret: str) -> HttpResponse:
        context = {"title": _("Keep this secret"), "original": webhook, "plain_secret": secret}
        return self._page(request, "secret_once.html", context)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        full = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/clients/webhook/{template}", full)


class WebhookFilter(admin.SimpleListFilter):
    """Offering only those that the person sees."""

    title = Webhook._meta.verbose_name or ""
    parameter_name = "webhook"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        rows = Webhook.objects.filter(project__in=access.visible(actor(request)))
        return [(str(one.pk), one.url) for one in rows[:MOST_OFFERED]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        try:
            return queryset.filter(webhook=UUID(self.value())) if self.value() else queryset
        except ValueError:
            return queryset.none()


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """What was sent to webhooks, and what waits. People by what the project knows them by."""

    project_path = "webhook__project"
    comes_when = gettext_lazy("Each message that a webhook or a stream is sent stands here, with what came back.")
    list_display = ["happened_at", "what", "sub", "state", "attempts", "tried_at", "status", "problem"]
    list_filter = ["state", WebhookFilter]
    list_select_related = ["webhook"]
    fields = [
        "webhook",
        "message_id",
        "happened_at",
        "what",
        "kind",
        "sub",
        "state",
        "attempts",
        "tried_at",
        "status",
        "problem",
    ]

    @admin.display(description=gettext_lazy("what happened"), ordering="kind")
    def what(self, delivery: Delivery) -> str:
        return str(dict(ToldKind.choices).get(delivery.kind, delivery.kind))
