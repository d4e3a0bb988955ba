"""What is known of people: the standard claims and what an installation adds, who may say it, and in which form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import attribute_schema, attribute_types, attributes
from accounts.attribute_types import ADDRESS_PARTS, TYPES, Bad
from accounts.attributes import STANDARD, Definition, Editor, Trouble
from accounts.events import Whoever
from accounts.models import AccountEvent, Attribute, EditableBy, User
from common.json_type import Json
from provider.protocol.claims import ABOUT_THE_TOKEN, CLAIMS
from provider.store.person import PERSON

BY = Whoever(name="a test")
DEPARTMENT = Definition("department", "text", "Department", EditableBy.ADMINISTRATOR)

GOOD: list[tuple[str, object, object]] = [
    ("text", "  Gardening ", "Gardening"),
    ("text", "e\u0301", "\u00e9"),
    ("text", "", None),
    ("number", 3, 3),
    ("number", 3.0, 3),
    ("number", -2.5, -2.5),
    ("boolean", False, False),
    ("list", ["b", "a", " b ", ""], ["b", "a"]),
    ("list", [], None),
    ("date", "2024-02-29", "2024-02-29"),
    ("birthdate", "1990", "1990"),
    ("birthdate", "0000-02-29", "0000-02-29"),
    ("birthdate", "1990-12-31", "1990-12-31"),
    ("url", "https://people.example/ollie?a=1", "https://people.example/ollie?a=1"),
    ("url", "http://people.example", "http://people.example"),
    ("zoneinfo", "europe/paris", "Europe/Paris"),
    ("locale", "EN_us", "en-US"),
    ("locale", "zh-hant-tw", "zh-Hant-TW"),
    ("locale", "de-CH-1996", "de-CH-1996"),
    ("locale", "x", Bad),
    ("phone", " +49  (30) 12 ", "+49 (30) 12"),
    ("phone", "\u0660\u0661\u0662", "012"),
    ("phone", "+1 555;ext=12", "+1 555;ext=12"),
    ("address", "1 Main St\r\nSpringfield", {"formatted": "1 Main St\nSpringfield"}),
    ("address", {"country": "FR", "region": None, "locality": " Lyon"}, {"locality": "Lyon", "country": "FR"}),
    ("address", {}, None),
]
BAD: list[tuple[str, object]] = [
    ("text", 5),
    ("text", "two\nlines"),
    ("text", "a\0b"),
    ("text", "\ud800"),
    ("text", "x" * 1001),
    ("number", True),
    ("number", "3"),
    ("number", float("nan")),
    ("number", float("inf")),
    ("number", 10**400),
    ("boolean", "true"),
    ("boolean", 1),
    ("list", "a"),
    ("list", [1]),
    ("list", ["x"] * 101),
    ("list", ["x" * 201]),
    ("date", "1990"),
    ("date", "0000-12-31"),
    ("date", "2023-02-29"),
    ("date", "1990-1-1"),
    ("birthdate", "0000"),
    ("birthdate", "1990-12"),
    ("birthdate", "31.12.1990"),
    ("birthdate", "\u0661990"),
    ("url", "javascript:alert(1)"),
    ("url", "https://"),
    ("url", "https://user@people.example/"),
    ("url", "https://people.example/a b"),
    ("url", 'https://people.example/"'),
    ("url", "https://[::1"),
    ("url", "https://people.example:99999/"),
    ("url", "//people.example"),
    ("zoneinfo", "Middle/Earth"),
    ("zoneinfo", "../../etc/passwd"),
    ("locale", "german!"),
    ("locale", "d"),
    ("phone", "call me"),
    ("phone", "+"),
    ("phone", "1" * 41),
    ("address", ["1 Main St"]),
    ("address", {"planet": "Earth"}),
    ("address", {"country": "two\nlines"}),
    ("address", {"formatted": "x" * 501}),
]


@pytest.mark.any_database
@pytest.mark.parametrize(("kind", "value", "kept"), GOOD)
def test_a_value_is_kept_in_one_form(kind: str, value: object, kept: object) -> None:
    if kept is Bad:
        with pytest.raises(Bad):
            attribute_types.read(kind, value)
        return
    said = attribute_types.read(kind, value)
    assert (said, type(said)) == (kept, type(kept))
    assert attribute_types.read(kind, said) == said, "reading it again changes nothing"


@pytest.mark.any_database
@pytest.mark.parametrize(("kind", "value"), BAD, ids=range(len(BAD)))
def test_what_is_of_another_kind_is_refused_in_words(kind: str, value: object) -> None:
    with pytest.raises(Bad, match=r".+\."):
        attribute_types.read(kind, value)


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ADDRESS_PARTS), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.any_database
@given(kind=st.sampled_from(sorted(TYPES)), value=ANYTHING)
def test_whatever_is_sent_is_kept_or_refused(kind: str, value: Any) -> None:
    try:
        said = attribute_types.read(kind, value)
    except Bad:
        return
    assert attribute_types.read(kind, said) == said


# --- Who may say what ------------------------------------------------------------------------------------------------

KNOWN = {
    one.name: one
    for one in (
        Definition("motto", "text", "Motto", EditableBy.PERSON),
        DEPARTMENT,
        Definition("payroll", "number", "Payroll", EditableBy.IMPORT),
        *(STANDARD[name] for name in ("phone_number", "phone_number_verified")),
    )
}


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("editor", "refused"),
    [(Editor.PERSON, ["department", "payroll"]), (Editor.ADMINISTRATOR, ["payroll"]), (Editor.IMPORT, [])],
)
def test_each_attribute_has_those_who_may_edit_it(editor: Editor, refused: list[str]) -> None:
    values = {"motto": "Grow", "department": "Gardening", "payroll": 5}
    changes, troubles = attributes.read(values, editor, known=KNOWN)
    assert [one.name for one in troubles] == refused
    assert {*changes} == {*values} - {*refused}


@pytest.mark.any_database
def test_what_is_the_same_is_no_change_and_anybody_may_say_it() -> None:
    before: dict[str, Json] = {"department": "Gardening", "payroll": 5}
    assert attributes.read(before, Editor.PERSON, before=before, known=KNOWN) == ({}, [])
    _changes, troubles = attributes.read({"department": None}, Editor.PERSON, before=before, known=KNOWN)
    assert troubles == [Trouble("department", "Only administrators set this attribute.")]


@pytest.mark.any_database
def test_an_attribute_that_there_is_none_of_is_refused() -> None:
    changes, troubles = attributes.read({"departmant": "x"}, Editor.IMPORT, known=KNOWN)
    assert (changes, [one.name for one in troubles]) == ({}, ["departmant"])
    assert "“department”" in troubles[0].message


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ({}, {"phone_number": "1"}, {"phone_number": "1"}),
        (
            {"phone_number": "1", "phone_number_verified": True},
            {"phone_number": "2"},
            {"phone_number": "2", "phone_number_verified": False},
        ),
        (
            {"phone_number": "1", "phone_number_verified": True},
            {"phone_number": "2", "phone_number_verified": True},
            {"phone_number": "2", "phone_number_verified": True},
        ),
        ({"phone_number": "1", "phone_number_verified": True}, {"phone_number": None}, {}),
        ({}, {"phone_number_verified": True}, {}),
    ],
)
def test_a_number_that_was_changed_is_verified_by_nobody(before: Any, changes: Any, after: Any) -> None:
    assert attributes.merged(before, changes) == after


@pytest.mark.any_database
def test_one_person_has_so_much_and_no_more() -> None:
    known = {f"list{number}": Definition(f"list{number}", "list", "") for number in range(3)}
    values = {name: [f"{number:0200}" for number in range(100)] for name in known}
    assert [one.message for one in attributes.read(values, Editor.IMPORT, known=known)[1]] == [
        "These attributes are too large together."
    ]


@pytest.mark.any_database
def test_whoever_has_too_much_already_may_leave_it_as_it_is() -> None:
    before: dict[str, Json] = {"department": "Gardening", "notes": "x" * attributes.MOST_BYTES}
    assert attributes.read({"department": "Gardening"}, Editor.PERSON, before=before, known=KNOWN) == ({}, [])


# --- What there is ---------------------------------------------------------------------------------------------------


@pytest.mark.any_database
def test_every_standard_claim_of_a_person_is_an_attribute_or_an_account_has_it() -> None:
    elsewhere = {"name", "preferred_username", "email", "email_verified", "updated_at"}
    assert {*STANDARD} | elsewhere == {*CLAIMS} | elsewhere


@pytest.mark.any_database
def test_no_attribute_is_called_like_a_claim_a_fact_or_a_column() -> None:
    columns = {one.name for one in User._meta.get_fields() if one.concrete}
    named = {*CLAIMS, *ABOUT_THE_TOKEN, *PERSON, *columns, "scope", "client_id", "groups", "roles", "entitlements"}
    assert named <= attribute_schema.TAKEN


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "kind", "field"),
    [
        ("sub", "text", "name"),
        ("Groups", "text", "name"),
        ("two words", "text", "name"),
        ("x" * 41, "text", "name"),
        ("https://claims.example/a", "text", "name"),
        ("department", "address", "type"),
        ("department", "nonsense", "type"),
        ("picture", "text", "type"),
    ],
)
def test_what_cannot_be_an_attribute_is_refused(name: str, kind: str, field: str) -> None:
    assert [one.name for one in attribute_schema.problems_of(Definition(name, kind, ""), new=True)] == [field]


@pytest.mark.django_db
def test_an_attribute_is_added_changed_and_deleted_and_takes_its_values_along(world: None) -> None:
    attribute_schema.define(DEPARTMENT, BY)
    owner = User.objects.get(username="owner")
    attributes.change(owner, {"department": "Gardening", "nickname": "Ollie"}, BY)
    assert attribute_schema.people_with("department") == 1
    attribute_schema.define(Definition("department", "text", "Team", EditableBy.PERSON), BY)
    owner.refresh_from_db()
    assert owner.attributes["department"] == "Gardening"
    attribute_schema.define(Definition("department", "list", "Team", EditableBy.PERSON), BY)
    owner.refresh_from_db()
    assert "department" not in owner.attributes
    attributes.change(owner, {"department": ["Gardening"]}, BY)
    assert attribute_schema.delete("department", BY) == 1
    owner.refresh_from_db()
    assert owner.attributes == {
        "phone_number": "+1 555 0100",
        "address": {"formatted": "1 Main St"},
        "nickname": "Ollie",
    }
    told = AccountEvent.objects.filter(kind__startswith="attribute.").order_by("pk").values_list("kind", "detail")
    assert [(kind, detail.get("people", 0), detail["by"]) for kind, detail in told] == [
        ("attribute.created", 0, "a test"),
        ("attribute.changed", 0, "a test"),
        ("attribute.changed", 1, "a test"),
        ("attribute.deleted", 1, "a test"),
    ]


@pytest.mark.django_db
def test_of_a_standard_claim_it_can_be_said_who_may_edit_it() -> None:
    attribute_schema.define(Definition("nickname", "text", "", EditableBy.ADMINISTRATOR, standard=True), BY)
    assert attributes.schema()["nickname"].editable_by is EditableBy.ADMINISTRATOR
    assert attributes.schema()["nickname"].label == STANDARD["nickname"].label
    attribute_schema.delete("nickname", BY)
    assert attributes.schema()["nickname"].editable_by is EditableBy.PERSON
    assert not Attribute.objects.exists()


@pytest.mark.django_db
def test_what_somebody_else_changed_in_between_stays(world: None) -> None:
    mine, theirs = (User.objects.get(username="owner") for _ in range(2))
    attributes.change(theirs, {"nickname": "Ollie"}, BY)
    assert attributes.change(mine, {"website": "https://olive.example"}, BY) == ["website"]
    stored = User.objects.get(username="owner").attributes
    assert (stored["nickname"], stored["website"]) == ("Ollie", "https://olive.example")
    assert "Ollie" not in str(list(AccountEvent.objects.values()))
