"""Columns and form fields for user names and mail addresses: all that is kept or looked up is normalized first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.lookups import IExact

from accounts import normalization

if TYPE_CHECKING:
    Column = models.CharField[str, str]
    TextColumn = models.CharField[str, str]
    EmailColumn = models.EmailField[str, str]
else:
    Column = object
    TextColumn = models.CharField
    EmailColumn = models.EmailField


class _Normalized(Column):
    """Django asks `to_python` for what forms, files and commands bring, and for what a look-up compares with."""

    normalize: Callable[[str], str]
    path: str  # migrations know Django's column, as the database holds nothing else

    def to_python(self, value: object) -> str | None:
        text: str | None = super().to_python(value)
        return None if text is None else type(self).normalize(text)

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        name, _path, arguments, options = super().deconstruct()
        return name, self.path, arguments, options


class _Alike(IExact):
    """Django leaves the text of this look-up as it is."""

    prepare_rhs = True


class UserNameColumn(_Normalized, TextColumn):
    normalize = staticmethod(normalization.user_name)
    path = "django.db.models.CharField"


class MailAddressField(forms.EmailField):
    """For forms."""

    default_validators = [normalization.check_mail_address]

    def to_python(self, value: str | None) -> str:
        return normalization.mail_address(super().to_python(value) or "")


class MailAddressColumn(_Normalized, EmailColumn):
    normalize = staticmethod(normalization.mail_address)
    path = "django.db.models.EmailField"
    default_validators = [normalization.check_mail_address]

    def formfield(self, **options: object) -> forms.Field | None:
        return super().formfield(**{"form_class": MailAddressField, **options})  # type: ignore[arg-type]


UserNameColumn.register_lookup(_Alike)
MailAddressColumn.register_lookup(_Alike)


def as_in_django(name: str) -> dict[str, Any]:
    """The words and limits that Django gives this column of a person."""
    return next(one for one in AbstractUser._meta.fields if one.name == name).deconstruct()[3]
