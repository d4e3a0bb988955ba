"""The public keys of a client: a list, one more, one less. Two at once while one follows the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jwcrypto import jwk
from jwcrypto.common import JWException

from clients import key_registration, keys
from clients.admin.tabs import BY_KEYS
from clients.models import Client
from clients.policy import metadata_of
from clients.reach import new_key_problem
from common import jws
from common.json_type import Json
from projects.door import actor_of
from projects.problems import RegistrationError

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object

MAX_TEXT = 10_000  # characters of a key
# What the libraries raise for a key that is encrypted, of another curve, or of another kind.
OF_PEM = (TypeError, KeyError, JWException, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class Shown:
    """A key as the page tells of it."""

    kid: str
    kty: str
    alg: str
    thumbprint: str


class NewKeyForm(forms.Form):
    key = forms.CharField(
        label=gettext_lazy("Public key"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 70, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("As a JWK, a JSON object; or in PEM, as “openssl pkey -pubout” writes it."),
    )

    def clean_key(self) -> Json:
        text = self.cleaned_data["key"].strip()
        try:
            return _from_pem(text) if text.startswith("-----BEGIN") else _from_json(text)
        except (ValueError, RecursionError, *OF_PEM):
            raise forms.ValidationError(_("This is neither a JWK nor a public key in PEM.")) from None


def _from_pem(text: str) -> Json:
    """A private key stays one: it is refused for that, and not taken for public."""
    key = jwk.JWK.from_pem(text.encode())
    made: dict[str, Json] = key.export(private_key=key.has_private, as_dict=True)
    made.pop("kid", None)
    return made


def _from_json(text: str) -> Json:
    found: Json = json.loads(text)
    inside = keys.keys_of(found)
    return inside[0] if len(inside) == 1 else found


class KeyPages(Base):
    """Mixed into the page of clients. Looking needs the right to view a client; everything else to change it."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<path:object_id>/keys/", wrap(self.keys_view), name="clients_client_keys"),
            path("<path:object_id>/keys/new/", wrap(self.new_key_view), name="clients_client_new_key"),
            path(
                "<path:object_id>/keys/<slug:thumbprint>/remove/",
                wrap(self.remove_key_view),
                name="clients_client_remove_key",
            ),
        ]
        return pages + super().get_urls()

    def keys_at_address(self, client: Client) -> tuple[list[Shown], str]:
        """Those that were fetched, and what is wrong there."""
        return [], ""

    def keys_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._list_keys(request, self._client(request, object_id, self.has_view_permission), NewKeyForm())

    def new_key_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        client = self._client(request, object_id, self.has_change_permission)
        form = NewKeyForm(request.POST)
        if not form.is_valid():
            return self._list_keys(request, client, form)
        try:
            with transaction.atomic():
                key_registration.add(client, form.cleaned_data["key"], actor_of(request))
                self.log_change(request, client, _("Added a key."))
        except RegistrationError as error:
            for one in error.problems:
                form.add_error("key", one.message)
            return self._list_keys(request, client, form)
        except Client.DoesNotExist:  # deleted since it was looked at
            raise Http404 from None
        messages.success(request, _("The key proves the app from now on. The others go on doing so."))
        return self._to_keys(client)

    def remove_key_view(self, request: HttpRequest, object_id: str, thumbprint: str) -> HttpResponse:
        client = self._client(request, object_id, self.has_change_permission)
        key = next((one for one in _registered(client) if one.thumbprint == thumbprint), None)
        if key is None:
            raise Http404
        if request.method != "POST":
            context = {"title": _("Remove a key"), "original": client, "key": key}
            return self._page(request, "remove_key.html", "secrets", context)
        try:
            with transaction.atomic():
                if key_registration.remove(client, thumbprint, actor_of(request)):
                    self.log_change(request, client, _("Removed a key: %s.") % key.kid)
        except RegistrationError as error:
            messages.error(request, error.problems[0].message)
            return self._to_keys(client)
        messages.success(request, _("The key proves nothing any more."))
        return self._to_keys(client)

    def _list_keys(self, request: HttpRequest, client: Client, form: NewKeyForm) -> HttpResponse:
        fetched, problem = self.keys_at_address(client) if client.jwks_uri else ([], "")
        context = {
            "title": _("Keys of %(app)s") % {"app": client},
            "original": client,
            "keys": fetched if client.jwks_uri else _registered(client),
            "problem": problem,
            "by_keys": BY_KEYS,
            "form": form,
            "why_not": new_key_problem(metadata_of(client), client.home, actor_of(request).once_proved()),
            "may_change": self.has_change_permission(request, client),
        }
        return self._page(request, "keys.html", "secrets", context)

    @staticmethod
    def _to_keys(client: Client) -> HttpResponse:
        return redirect(reverse("admin:clients_client_keys", args=[quote(client.pk)]))


def _registered(client: Client) -> list[Shown]:
    return [
        Shown(str(key.get("kid")), str(key["kty"]), str(key.get("alg") or ""), jws.thumbprint(key))
        for key in keys.keys_of(client.jwks)
    ]
