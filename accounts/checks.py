"""`manage.py migrate` and `check --database default` say whose name or mail address is kept in another form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from allauth.account.models import EmailAddress
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections, models

from accounts import normalization
from accounts.models import User

MAX_TOLD = 20  # people for each column
COLUMNS: list[tuple[type[models.Model], str, Callable[[str], str]]] = [
    (User, "username", normalization.user_name),
    (User, "email", normalization.mail_address),
    (EmailAddress, "email", normalization.mail_address),
]


@register(Tags.database)
def names_are_normalized(
    app_configs: object, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    """Rows that came past us, or from before. They are not found, and may be the same person as another row."""
    messages: list[CheckMessage] = []
    for database in databases or ():
        present = connections[database].introspection.table_names()
        for model, column, normalize in COLUMNS:
            if model._meta.db_table in present:
                found = _in_another_form(model._base_manager.using(database), column, normalize)
                messages += [one for one, _number in zip(found, range(MAX_TOLD), strict=False)]
    return messages


def _in_another_form(
    rows: models.QuerySet[models.Model], column: str, normalize: Callable[[str], str]
) -> Iterator[CheckMessage]:
    owner = "pk" if rows.model is User else "user_id"
    for person, kept in rows.order_by("pk").values_list(owner, column).iterator():
        wanted = normalize(kept)
        if wanted == kept:
            continue
        others = rows.filter(**{f"{column}__iexact": wanted}).exclude(**{owner: person})
        same = ", ".join(f"account {other}" for other in others.values_list(owner, flat=True))
        yield Warning(
            f"{rows.model._meta.label}: the {column} of account {person} is kept in a form that no look-up finds."
            + (f" It is the same as that of {same}." if same else ""),
            hint="Give one of them another one." if same else "Save it anew: in the console, or as its person.",
            id="accounts.W001",
        )
