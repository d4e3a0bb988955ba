"""People of a Django site, from whichever table it has them in, with the addresses that allauth knows as verified."""

from __future__ import annotations

from collections.abc import Iterator

from accounts import normalization
from common.command import wrong_use
from idp.moving.people import Row
from idp.moving.source import Source, flag, identity, moment, text
from idp.moving.toolkit_tables import Options

ADDRESSES = "account_emailaddress"  # of allauth


def rows(source: Source, table: str, options: Options) -> Iterator[Row]:
    """Everybody."""
    verified = _verified(source)
    own = _key_of(source, table)
    sub = own if options.user_sub == "pk" else options.user_sub
    if not source.has(table, sub):
        raise wrong_use(
            f"{table} has no column {sub}: --user-sub takes pk or one of {', '.join(source.tables[table])}."
        )
    names = ("password", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "date_joined")
    columns = dict.fromkeys((own, sub, options.username, options.email, *names))
    for row in source.rows(table, [*columns]):
        key, email = identity(row[own]), text(row.get(options.email))
        addresses = verified.get(key, ())
        yield Row(
            where=f"{table} {key}",
            key=key,
            sub=identity(row[sub]),
            username=text(row[options.username]),
            email=email,
            email_verified=bool(email) and (options.trust_addresses or normalization.small(email) in addresses),
            verified=addresses,
            password=text(row["password"]),
            first_name=text(row.get("first_name")),
            last_name=text(row.get("last_name")),
            is_active=flag(row.get("is_active", True)),
            is_staff=options.with_staff and flag(row.get("is_staff")),
            is_superuser=options.with_staff and flag(row.get("is_superuser")),
            joined=moment(row.get("date_joined")),
        )


def _key_of(source: Source, table: str) -> str:
    """What other tables call them by."""
    columns = source.tables[table]
    return "id" if "id" in columns else columns[0]


def _verified(source: Source) -> dict[str, tuple[str, ...]]:
    if not source.has(ADDRESSES, "user_id", "email", "verified"):
        return {}
    found: dict[str, list[str]] = {}
    for row in source.rows(ADDRESSES, ["user_id", "email", "verified"]):
        if flag(row["verified"]):
            found.setdefault(identity(row["user_id"]), []).append(normalization.small(text(row["email"])))
    return {key: tuple(addresses) for key, addresses in found.items()}
