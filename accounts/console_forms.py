"""What the console's forms have in common: every problem on its field, nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import User

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

Words = Iterable[object] | str | None
MAX_LINES = 200
MAX_SHOWN = 5  # how many wrong values an error repeats


class ConsoleForm(ModelForm):
    """The base of forms. `actor` is the person who edits; the admin sets both on the class made for the request."""

    actor: User
    request: HttpRequest

    def add_error(self, field: str | None, error: Any) -> None:
        """Keep a field's first error, and never fail on an error about a field that this form does not have.

        When a field was refused, the model validates a value that nobody typed, and its error would mislead.
        """
        if field is None and hasattr(error, "error_dict"):
            for name, problems in error.error_dict.items():
                if name not in self.fields:
                    super().add_error(None, ValidationError(problems))
                elif name not in self.errors:
                    super().add_error(name, ValidationError(problems))
            return
        super().add_error(field, error)

    def clean_tokens_not_before(self) -> datetime | None:
        """The form shows whole seconds: one that was not touched is what it was, to the microsecond."""
        before: datetime | None = self.instance.tokens_not_before
        after: datetime | None = self.cleaned_data["tokens_not_before"]
        return before if before and after == before.replace(microsecond=0) else after


class LinesField(forms.CharField):
    """Several words, one per line in a textarea; spaces separate as well. Its value is one text."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 80, "spellcheck": "false"})

    def __init__(self, *, separator: str = "\n", required: bool = False, most: int = MAX_LINES, **kwargs: Any) -> None:
        self.separator, self.most = separator, most
        super().__init__(required=required, **kwargs)

    def prepare_value(self, value: Words) -> str | None:
        return value if value is None or isinstance(value, str) else "\n".join(map(str, value))

    def to_python(self, value: object) -> str:
        words = _words(super().to_python(value))
        if len(words) > self.most:
            raise ValidationError(_("At most %(most)s lines.") % {"most": self.most})
        return self.separator.join(words)

    def has_changed(self, initial: Words, data: Words) -> bool:
        return set(_words(initial)) != set(_words(data))


def _words(value: Words) -> list[str]:
    """The words of a text or of a list, each once, in order."""
    text = value if isinstance(value, str) else " ".join(map(str, value or ()))
    return list(dict.fromkeys(text.split()))


def shortened(values: Iterable[str]) -> str:
    """Wrong values as an error shows them: only a few of them, and shortened."""
    values = list(values)
    shown = ", ".join(Truncator(value).chars(100) for value in values[:MAX_SHOWN])
    return f"{shown}, …" if len(values) > MAX_SHOWN else shown
