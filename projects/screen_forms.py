"""The console's form for a consent screen: its texts, and the logo that people see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from projects import logos, screens
from projects.door import DoorForm
from projects.metadata import Screen
from projects.models import ConsentScreen
from projects.problems import Problem


class Shown:
    """The logo that there is, as Django's file input takes it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __bool__(self) -> bool:
        return bool(self.url)

    def __str__(self) -> str:
        return self.url


class LogoInput(forms.ClearableFileInput):
    template_name = "admin/projects/logo.html"
    clear_checkbox_label: str | Promise = gettext_lazy("Without a logo")  # type: ignore[assignment]  # shown as it is

    def __init__(self) -> None:
        super().__init__({"accept": "image/png,image/jpeg,image/webp"})

    def _render(self, template_name: str, context: dict[str, object], renderer: object = None) -> SafeString:
        """By our own templates; forms have a renderer of their own."""
        return mark_safe(render_to_string(template_name, context))  # noqa: S308 - a template escapes


class ConsentScreenForm(DoorForm):
    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        help_text=gettext_lazy(
            "PNG, JPEG or WebP. People see it when they sign in and when they are asked. It is drawn anew here, with "
            "512 by 512 pixels at most, and nothing else that is in the file is kept."
        ),
        required=False,
        allow_empty_file=True,
        widget=LogoInput,
    )

    class Meta:
        model = ConsentScreen
        fields = ["app_name", "support_email", "homepage_uri", "policy_uri", "tos_uri"]

    names = {"logo_uri": "logo"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["logo"] = Shown(logos.path(self.instance.logo_digest))

    @property
    def before(self) -> Screen:
        return screens.screen_of(self.instance)

    def screen(self) -> Screen:
        texts = {name: self.cleaned_data.get(name) or "" for name in screens.COLUMNS}
        return Screen(logo_uri=self._logo(self.cleaned_data.get("logo")), **texts)

    def _logo(self, sent: object) -> str:
        """What was uploaded; nothing, where the box says so; or what there is."""
        if isinstance(sent, UploadedFile):
            sent.seek(0)
            return logos.uri_of(sent.read(logos.MAX_BYTES + 1000))
        return "" if sent is False else self.before.logo_uri

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.show(Problem(one.field.rpartition(".")[2], one.message) for one in self.judged())
        return self.cleaned_data

    def judged(self) -> list[Problem]:
        screen = self.screen()
        return [*screens.problems(screen), *logos.problems(screen, self.before)]
