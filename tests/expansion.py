"""Whether servers of the previous version run on the tables of this one: what a migration may do, and what not.

While a version is rolled out, and after it was taken back, the code of the previous one works on the new tables. So a
migration adds (expand) what old code need not know of, and takes away (contract) only what the previous release does
not use any more. It says what that is and why nobody minds: `contracts = {"clients.client.colour": "not read since
1.2"}`. Nothing here needs a database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import singledispatch

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint, F, Field, ForeignKey, ManyToManyField, Q
from django.db.models.constraints import BaseConstraint
from django.db.models.fields import NOT_PROVIDED

HARMLESS = (
    operations.AlterConstraint,  # its message
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.AlterModelTableComment,
    operations.RemoveIndex,
    operations.RenameIndex,
)
OF_PYTHON = {"default", "auto_now", "auto_now_add", "db_comment"}  # beside `non_db_attrs`: no column has them


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is the name by which a migration can say that nobody minds."""

    what: str
    why: str


@dataclass(slots=True)
class Judge:
    """`made`: models and fields that this very migration makes, of which no old code knows."""

    app: str
    state: ProjectState
    growing: Collection[str]
    made: set[str] = field(default_factory=set)
    removed: dict[str, BaseConstraint] = field(default_factory=dict)

    def judge(self, several: Sequence[Operation]) -> Iterator[Finding]:
        for one in several:
            if isinstance(one, operations.SeparateDatabaseAndState):
                yield from Judge(self.app, self.state.clone(), self.growing, self.made).judge(one.database_operations)
            else:
                yield from findings(one, self)
            one.state_forwards(self.app, self.state)

    def left(self) -> Iterator[Finding]:
        """Constraints that went without another in their place."""
        for name in self.removed:
            yield Finding(name, "the previous version counts on this constraint")

    def model(self, name: str) -> str:
        return f"{self.app}.{name.lower()}"

    def column(self, model: str, name: str) -> str:
        return f"{self.model(model)}.{name}"

    def is_new(self, model: str) -> bool:
        return self.model(model) in self.made

    def now(self, model: str) -> ModelState:
        found: ModelState = self.state.models[self.app, model.lower()]
        return found


def judged(migration: Migration, before: ProjectState, growing: Collection[str] = ()) -> list[Finding]:
    """What would hurt the previous version and is not said to be contracted; and what is said in vain."""
    judge = Judge(migration.app_label, before.clone(), growing)
    found = [*judge.judge(migration.operations), *judge.left()]
    contracts: dict[str, str] = getattr(migration, "contracts", {})
    open_ones = [one for one in found if not contracts.get(one.what)]
    vain = contracts.keys() - {one.what for one in found}
    return [*open_ones, *(Finding(one, "contracted, but nothing happens to it") for one in sorted(vain))]


@singledispatch
def findings(one: Operation, judge: Judge) -> Iterator[Finding]:
    """Of one operation, by its class. Of all others a reader has to judge."""
    if not isinstance(one, HARMLESS):
        yield Finding(type(one).__name__, "say what it does to what the previous version reads and writes")


# --- Models --------------------------------------------------------------------------------------------------------


@findings.register
def _create_model(one: operations.CreateModel, judge: Judge) -> Iterator[Finding]:
    judge.made.add(judge.model(one.name))
    for name, its in one.fields:
        yield from _reference(judge, one.name, name, its)


@findings.register
def _model_goes(
    one: operations.DeleteModel | operations.RenameModel | operations.AlterModelTable, judge: Judge
) -> Iterator[Finding]:
    name = one.old_name if isinstance(one, operations.RenameModel) else one.name
    if not judge.is_new(name):
        yield Finding(judge.model(name), "the previous version uses this table")


# --- Fields --------------------------------------------------------------------------------------------------------


@findings.register
def _add_field(one: operations.AddField, judge: Judge) -> Iterator[Finding]:
    its, what = one.field, judge.column(one.model_name, one.name)
    if judge.is_new(one.model_name):
        return
    judge.made.add(what)
    yield from _reference(judge, one.model_name, one.name, its)
    if isinstance(its, ManyToManyField):
        return
    has_default = its.db_default is not NOT_PROVIDED or its.generated
    if not its.null and not has_default:
        yield Finding(what, "INSERTs of the previous version do not name it: give it null=True or db_default")
    if its.unique and has_default:
        yield Finding(what, "rows of the previous version would all have the same value")
    yield from _index_at_once(judge, one.model_name, what, wanted=_is_indexed(its))


def _reference(judge: Judge, model: str, name: str, its: Field[object, object]) -> Iterator[Finding]:
    """Old code deletes what it knows, and does not know that a new table refers to it."""
    if not isinstance(its, ForeignKey | ManyToManyField) or not _shape(its).get("db_constraint", True):
        return
    target = its.remote_field.model
    to = (target if isinstance(target, str) else target._meta.label).lower()
    if to != "self" and to not in judge.made:
        what = judge.column(model, name)
        yield Finding(what, f"deleting {to} would fail in the previous version: say db_constraint=False")


@findings.register
def _field_goes(one: operations.RemoveField | operations.RenameField, judge: Judge) -> Iterator[Finding]:
    name = one.old_name if isinstance(one, operations.RenameField) else one.name
    what = judge.column(one.model_name, name)
    if not judge.is_new(one.model_name) and what not in judge.made:
        yield Finding(what, "the previous version uses this column")


@findings.register
def _alter_field(one: operations.AlterField, judge: Judge) -> Iterator[Finding]:
    what = judge.column(one.model_name, one.name)
    if judge.is_new(one.model_name) or what in judge.made:
        return
    before, after = _shape(judge.now(one.model_name).fields[one.name]), _shape(one.field)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if _length(after) > _length(before):
        changed.discard("max_length")
    if "db_default" in after:
        changed.discard("db_default")
    if "db_index" in changed:
        changed.discard("db_index")
        yield from _index_at_once(judge, one.model_name, what, wanted=_is_indexed(one.field))
    if changed:
        yield Finding(what, f"the previous version knows this column as it was: {', '.join(sorted(changed))}")


def _shape(its: Field[object, object]) -> dict[str, object]:
    """What the database knows of it."""
    _name, path, arguments, more = its.deconstruct()
    known = {key: value for key, value in more.items() if key not in {*its.non_db_attrs, *OF_PYTHON}}
    return {"type": path, "arguments": list(arguments), **known}


def _is_indexed(its: Field[object, object]) -> bool:
    return bool(getattr(its, "db_index", False)) or its.unique


def _length(shape: dict[str, object]) -> float:
    length = shape.get("max_length")
    return length if isinstance(length, int) else float("inf")


# --- Indexes and constraints ---------------------------------------------------------------------------------------


@findings.register
def _add_index(one: operations.AddIndex, judge: Judge) -> Iterator[Finding]:
    what = f"{judge.model(one.model_name)}:{one.index.name}"
    yield from _index_at_once(judge, one.model_name, what, wanted=not isinstance(one, AddIndexConcurrently))


def _index_at_once(judge: Judge, model: str, what: str, *, wanted: bool) -> Iterator[Finding]:
    if wanted and judge.model(model) in judge.growing and not judge.is_new(model):
        yield Finding(what, "nobody could write while the index is made: use AddIndexWhileUsed")


@findings.register
def _add_constraint(one: operations.AddConstraint, judge: Judge) -> Iterator[Finding]:
    new, model = one.constraint, one.model_name
    what = f"{judge.model(model)}:{new.name}"
    if judge.is_new(model) or _wider(judge.removed.pop(what, None), new):
        return
    names = _named(new)
    if names is None or not {judge.column(model, name) for name in names} <= judge.made:
        yield Finding(what, "rows that the previous version writes may not fit")


@findings.register
def _remove_constraint(one: operations.RemoveConstraint, judge: Judge) -> Iterator[Finding]:
    if not judge.is_new(one.model_name):
        before = judge.now(one.model_name).get_constraint_by_name(one.name)
        judge.removed[f"{judge.model(one.model_name)}:{one.name}"] = before
    yield from ()


def _wider(before: BaseConstraint | None, after: BaseConstraint) -> bool:
    """Whether it is the same list of values and some more."""
    if not isinstance(before, CheckConstraint) or not isinstance(after, CheckConstraint):
        return False
    old, new = _values(before.condition), _values(after.condition)
    return old is not None and new is not None and old[0] == new[0] and set(old[1]) <= set(new[1])


def _values(condition: object) -> tuple[str, list[object]] | None:
    only = condition.children[0] if isinstance(condition, Q) and len(condition.children) == 1 else None
    is_list = isinstance(only, tuple) and only[0].endswith("__in") and isinstance(only[1], list | tuple)
    return (only[0], list(only[1])) if is_list and isinstance(only, tuple) else None


def _named(constraint: BaseConstraint) -> set[str] | None:
    """The columns that a check is about; None: it is another constraint, or says more than that."""
    return _columns(constraint.condition) if isinstance(constraint, CheckConstraint) else None


def _columns(condition: object) -> set[str] | None:
    if not isinstance(condition, Q):
        return None
    names: set[str] = set()
    for child in condition.children:
        found = {child[0].partition("__")[0]} if isinstance(child, tuple) else _columns(child)
        if found is None or (isinstance(child, tuple) and isinstance(child[1], F)):
            return None
        names |= found
    return names
