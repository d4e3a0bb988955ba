"""What a form of the console says once it did what it was sent for.

It names the thing and not the table it is kept in: people look for apps and people, where Django has clients and users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class SaysSaved(Base):
    """Mixed into every page of the console."""

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        link = format_html('<a href="{}"><bdi>{}</bdi></a>', request.path, obj)
        messages.success(request, format_html(gettext("“{name}” is saved."), name=link))
        if "_continue" in request.POST:
            return redirect(self._filtered(request, request.path))
        return self.response_post_save_change(request, obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, format_html(gettext("“{name}” is deleted."), name=obj_display))
        if not self.has_change_permission(request):
            return redirect("admin:index")
        listed = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return redirect(self._filtered(request, listed))

    def _filtered(self, request: HttpRequest, url: str) -> str:
        """The address, with what the list was filtered by."""
        kept: dict[str, Any] = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return str(add_preserved_filters(kept, url))
