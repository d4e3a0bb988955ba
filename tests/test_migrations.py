"""Servers of the previous version run on the tables of this one (docs/operations.md, "Upgrading")."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelOptions,
    AlterModelTable,
    CreateModel,
    DeleteModel,
    RemoveConstraint,
    RemoveField,
    RemoveIndex,
    RenameField,
    RenameModel,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import (
    CASCADE,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CheckConstraint,
    F,
    Field,
    ForeignKey,
    Index,
    IntegerField,
    ManyToManyField,
    Q,
    TextField,
    UniqueConstraint,
)

from common.migrating import AddIndexWhileUsed
from idp.metrics.gauges import GROWING
from tests.expansion import judged

FOLDERS = {"accounts", "clients", "common", "idp", "projects", "provider"}
APPS = {
    app
    for app, _name in MigrationLoader(None).disk_migrations
    if apps.get_app_config(app).name.partition(".")[0] in FOLDERS
}
FIRST = "0001_first_release"

KINDS = CheckConstraint(condition=Q(kind__in=["red", "blue"]), name="kind_is_known")
MORE_KINDS = CheckConstraint(condition=Q(kind__in=["red", "blue", "green"]), name="kind_is_known")
FEWER_KINDS = CheckConstraint(condition=Q(kind__in=["red"]), name="kind_is_known")
A_MODEL = CreateModel("new", [("id", BigAutoField(primary_key=True)), ("size", IntegerField())])


def before() -> ProjectState:
    """Two tables of the previous version, of which `shop.order` grows."""
    state = ProjectState()
    fields: list[tuple[str, Field[object, object]]] = [
        ("id", BigAutoField(primary_key=True)),
        ("kind", CharField(max_length=10)),
        ("size", IntegerField()),
        ("note", TextField(db_default="")),
    ]
    CreateModel(
        "order", fields, {"constraints": [KINDS], "indexes": [Index(fields=["size"], name="size")]}
    ).state_forwards("shop", state)
    CreateModel("person", [("id", BigAutoField(primary_key=True)), ("name", TextField())]).state_forwards("shop", state)
    return state


def found(*several: Operation, **contracts: str) -> list[str]:
    said = {key.replace("__", "."): why for key, why in contracts.items()}
    migration = type("Migration", (Migration,), {"operations": [*several], "contracts": said})("0002_more", "shop")
    return [one.what for one in judged(migration, before(), {"shop.order"})]


def to_person(*, checked: bool = True, indexed: bool = True) -> ForeignKey[object | None, object | None]:
    return ForeignKey("shop.person", CASCADE, null=True, db_constraint=checked, db_index=indexed)


GOOD: dict[str, list[Operation]] = {
    "a table": [A_MODEL],
    "a table, and an index and a rule of it": [
        A_MODEL,
        AddIndex("new", Index(fields=["size"], name="by_size")),
        AddConstraint("new", UniqueConstraint(fields=["size"], name="one_of_a_size")),
    ],
    "a column that may be empty": [AddField("order", "colour", TextField(null=True))],
    "a column with a default of the database": [AddField("order", "colour", TextField(db_default=""))],
    "a reference that nobody checks": [AddField("person", "other", to_person(checked=False))],
    "a list that nobody checks": [AddField("person", "others", ManyToManyField("shop.order", db_constraint=False))],
    "a check of new columns": [
        AddField("order", "colour", TextField(db_default="")),
        AddConstraint("order", CheckConstraint(condition=Q(colour__in=["", "red"]), name="colour_is_known")),
    ],
    "one more value": [RemoveConstraint("order", "kind_is_known"), AddConstraint("order", MORE_KINDS)],
    "longer texts": [AlterField("order", "kind", CharField(max_length=20))],
    "words": [AlterField("order", "kind", CharField("the kind", max_length=10, blank=True, default="red"))],
    "a default of the database": [AlterField("order", "size", IntegerField(db_default=1))],
    "an index of a small table": [AddIndex("person", Index(fields=["name"], name="by_name"))],
    "an index while the table is used": [AddIndexWhileUsed("order", Index(fields=["kind"], name="by_kind"))],
    "the same by Django's name": [AddIndexConcurrently("order", Index(fields=["kind"], name="by_kind"))],
    "an index goes": [RemoveIndex("order", "size")],
    "names for readers": [AlterModelOptions("order", {"verbose_name": "order"})],
    "a column that the models lose and the table keeps": [
        SeparateDatabaseAndState(state_operations=[RemoveField("order", "note")])
    ],
    "a column comes and goes": [AddField("order", "x", TextField(null=True)), RemoveField("order", "x")],
}
BAD: dict[str, tuple[str, list[Operation]]] = {
    "a column that INSERTs have to name": ("shop.order.colour", [AddField("order", "colour", TextField())]),
    "a default that only Python knows": ("shop.order.colour", [AddField("order", "colour", TextField(default=""))]),
    "one value for all, of which each is another": (
        "shop.person.code",
        [AddField("person", "code", CharField(max_length=9, unique=True, db_default=""))],
    ),
    "a reference to what old code deletes": (
        "shop.order.person",
        [AddField("order", "person", to_person(indexed=False))],
    ),
    "a list of what old code deletes": (
        "shop.person.orders",
        [AddField("person", "orders", ManyToManyField("shop.order"))],
    ),
    "a table that refers to what old code deletes": (
        "shop.new.person",
        [CreateModel("new", [("id", BigAutoField(primary_key=True)), ("person", to_person())])],
    ),
    "a table goes": ("shop.order", [DeleteModel("order")]),
    "a table is renamed": ("shop.order", [RenameModel("order", "purchase")]),
    "a table is called otherwise": ("shop.order", [AlterModelTable("order", "orders")]),
    "a column goes": ("shop.order.note", [RemoveField("order", "note")]),
    "a column is renamed": ("shop.order.note", [RenameField("order", "note", "remark")]),
    "shorter texts": ("shop.order.kind", [AlterField("order", "kind", CharField(max_length=5))]),
    "numbers of another size": ("shop.order.size", [AlterField("order", "size", BigIntegerField())]),
    "nothing where something was": ("shop.order.size", [AlterField("order", "size", IntegerField(null=True))]),
    "one of each value": ("shop.order.size", [AlterField("order", "size", IntegerField(unique=True, db_index=False))]),
    "an index of a table that grows": (
        "shop.order:by_kind",
        [AddIndex("order", Index(fields=["kind"], name="by_kind"))],
    ),
    "a new column with an index": ("shop.order.x", [AddField("order", "x", TextField(null=True, db_index=True))]),
    "an old column with an index": ("shop.order.size", [AlterField("order", "size", IntegerField(db_index=True))]),
    "a check of what is there": (
        "shop.order:small",
        [AddConstraint("order", CheckConstraint(condition=Q(size__lt=9), name="small"))],
    ),
    "a check of new beside old": (
        "shop.order:less",
        [
            AddField("order", "most", IntegerField(null=True)),
            AddConstraint("order", CheckConstraint(condition=Q(most__gt=F("size")), name="less")),
        ],
    ),
    "one of each": (
        "shop.order:each",
        [AddConstraint("order", UniqueConstraint(fields=["kind"], name="each"))],
    ),
    "fewer values": (
        "shop.order:kind_is_known",
        [RemoveConstraint("order", "kind_is_known"), AddConstraint("order", FEWER_KINDS)],
    ),
    "a rule goes": ("shop.order:kind_is_known", [RemoveConstraint("order", "kind_is_known")]),
    "SQL": ("RunSQL", [RunSQL("DELETE FROM shop_order")]),
    "Python": ("RunPython", [RunPython(lambda *_given: None)]),
    "in the database alone": (
        "shop.order.note",
        [SeparateDatabaseAndState(database_operations=[RemoveField("order", "note")])],
    ),
}


@pytest.mark.parametrize("what", GOOD)
def test_old_code_does_not_mind(what: str) -> None:
    assert found(*GOOD[what]) == []


@pytest.mark.parametrize("what", BAD)
def test_old_code_minds(what: str) -> None:
    name, several = BAD[what]
    assert set(found(*several)) == {name}


def test_what_the_previous_release_does_not_use_any_more_is_contracted_by_name() -> None:
    assert found(RemoveField("order", "note"), shop__order__note="not read since 1.2") == []
    assert found(RemoveField("order", "note"), shop__order__note="") == ["shop.order.note"]  # why?
    assert found(A_MODEL, shop__order__note="not read since 1.2") == ["shop.order.note"]  # in vain
    assert found(AddField("order", "paid", BooleanField(default=False)), RunSQL="fills it") == [
        "shop.order.paid",
        "RunSQL",
    ]


def ours() -> list[Migration]:
    """All of our own but the first of each app, before which there is no version."""
    loader = MigrationLoader(None)
    return [one for (app, name), one in sorted(loader.disk_migrations.items()) if app in APPS and name != FIRST]


def test_every_migration_lets_the_previous_version_run() -> None:
    loader = MigrationLoader(None)
    growing = {model._meta.label_lower for model in GROWING.values()}
    for migration in ours():
        state = loader.project_state((migration.app_label, migration.name), at_end=False)
        wrong = [f"{one.what}: {one.why}" for one in judged(migration, state, growing)]
        assert wrong == [], f"{migration}: change it, or say why nobody minds in its `contracts` (tests/expansion.py)"


def test_each_app_begins_with_the_first_release() -> None:
    first = {app: name for app, name in sorted(MigrationLoader(None).disk_migrations, reverse=True) if app in APPS}
    assert first == dict.fromkeys(APPS, FIRST)
    assert {"accounts", "clients", "projects", "upstream"} == APPS
