from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from clients import triggers


class ClientsConfig(AppConfig):
    name = "clients"
    verbose_name = _("OAuth clients")

    def ready(self) -> None:
        import_module("clients.tombstones")
        remains = import_module("clients.remains")
        post_migrate.connect(triggers.after_migrate, sender=self, dispatch_uid="clients.triggers")
        post_migrate.connect(remains.after_migrate, sender=self, dispatch_uid="clients.remains")
