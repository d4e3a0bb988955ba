"""The console's admin site."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class ConsoleSite(AdminSite):
    site_header = _("Vestibule console")
    site_title = _("Vestibule")
    index_title = _("Console")
