from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UpstreamConfig(AppConfig):
    name = "projects.upstream"
    label = "upstream"
    verbose_name = _("Sign-in from elsewhere")

    def ready(self) -> None:
        import_module("projects.upstream.ends")
