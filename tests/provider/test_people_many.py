"""Many people at once in the console: asked once with numbers, and done to all of them or to none."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client as Http
from django.test.utils import CaptureQueriesContext

from accounts.models import AccountEvent, SignIn, User
from clients.models import Authorization, SecurityEvent
from common import clock
from provider import people_many
from provider.admin.people_deeds import COLUMNS, DEEDS
from tests.accounts.second_steps import PASSWORD, enrol, give_password
from tests.console import Fields, browser, client, form_of, page
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
LATER = timedelta(seconds=301)
LIST = "accounts_user_changelist"


def user(username: str = "person") -> User:
    return User.objects.get(username=username)


def signed_in(username: str) -> SignIn:
    made = SignIn.objects.create(user=user(username))
    Authorization.objects.create(client=client(), user=user(username), sign_in=made, auth_time=clock.now())
    return made


def choose(http: Http, deed: str, *names: str) -> Response:
    chosen = {"action": deed, "index": "0", "_selected_action": [user(one).pk for one in names]}
    return http.post(page(LIST), chosen, follow=True)


def do(http: Http, deed: str, *names: str, **fields: Any) -> Response:
    sent: Fields = {"people": " ".join(str(user(one).pk) for one in names), **fields}
    answer: Response = http.post(page("accounts_user_many", deed), sent, follow=True)
    return answer


def told(answer: Response) -> list[str]:
    return [str(one) for one in answer.context["messages"]]


def test_the_question_names_them_and_says_in_numbers_what_ends() -> None:
    signed_in("person")
    signed_in("viewer")
    answer = choose(browser("root"), "deactivate", "person", "viewer", "editor")
    text = answer.content.decode()
    assert [one.username for one in answer.context["named"]] == ["editor", "person", "viewer"]
    assert answer.context["effects"][1].startswith("2 authorizations end.")
    assert "2 browsers are signed out." in text
    assert user().is_active


@pytest.mark.parametrize("deed", DEEDS)
def test_asking_changes_nothing(deed: str) -> None:
    signed_in("person")
    enrol(user())
    before = list(User.objects.exclude(username="root").order_by("pk").values())
    http = browser("root")
    answer = choose(http, deed, "person")
    assert form_of(answer)["people"] == str(user().pk)
    http.get(page("accounts_user_many", deed))
    assert list(User.objects.exclude(username="root").order_by("pk").values()) == before
    assert not SecurityEvent.objects.exists()
    assert SignIn.objects.filter(user=user(), ended_at=None).exists()
    assert Authenticator.objects.filter(user=user()).exists()


def left_by(username: str) -> tuple[object, ...]:
    """Whatever deactivating leaves, but for moments and whose it is."""
    one = user(username)
    account = AccountEvent.objects.filter(sub=one.sub).order_by("pk").values_list("kind", "detail")
    said = SecurityEvent.objects.filter(detail__person=one.sub).order_by("pk")
    events = [(row.kind, row.sub, {**row.detail, "person": ""}) for row in said]
    history = LogEntry.objects.filter(object_id=str(one.pk)).values_list("user__username", "action_flag")
    alive = SignIn.objects.filter(user=one, ended_at=None).count()
    over = one.tokens_not_before is not None and one.tokens_not_before <= clock.now()
    return one.is_active, over, list(account), events, list(history), alive


def test_many_leave_what_one_leaves() -> None:
    for name in ("person", "viewer", "editor"):
        signed_in(name)
    http = browser("root")
    http.post(page("accounts_user_person_act", user().pk, "deactivate"))
    assert told(do(http, "deactivate", "viewer", "editor"))[-1] == "2 people deactivated."
    assert left_by("viewer") == left_by("editor") == left_by("person")
    assert left_by("person")[0] is False


def test_many_are_signed_out_as_one_is() -> None:
    for name in ("person", "viewer"):
        signed_in(name)
    http = browser("root")
    http.post(page("accounts_user_person_act", user().pk, "sign-out-everywhere"))
    assert told(do(http, "sign-out", "viewer", "editor"))[-1] == "1 person is signed out everywhere."
    assert left_by("viewer") == left_by("person")
    assert not SecurityEvent.objects.filter(detail__person=user("editor").sub).exists()  # was signed in nowhere


def test_second_steps_of_many_go_as_those_of_one_do() -> None:
    for name in ("person", "viewer"):
        enrol(user(name))
    http = browser("root")
    http.post(page("accounts_user_person_act", user().pk, "second-steps"))
    assert told(do(http, "second-steps", "viewer", "editor"))[-1] == "1 person has no second step now."
    assert not Authenticator.objects.filter(user=user("viewer")).exists()
    assert left_by("viewer") == left_by("person")


def test_a_moment_before_which_nothing_counts_is_never_moved_back() -> None:
    late = clock.now() + timedelta(days=1)
    User.objects.filter(username="viewer").update(tokens_not_before=late)
    do(browser("root"), "deactivate", "viewer", "editor")
    assert user("viewer").tokens_not_before == late
    assert user("editor").tokens_not_before != late


def test_nobody_deactivates_themselves_among_others() -> None:
    http = browser("root")
    assert "This stands in the way" in choose(http, "deactivate", "root", "person").content.decode()
    assert told(do(http, "deactivate", "root", "person"))[0] == "Nothing was changed."
    assert user().is_active
    assert user("root").is_active


def test_a_superuser_is_left_whoever_else_acts_meanwhile() -> None:
    User.objects.filter(username="owner").update(is_superuser=True, is_active=False)
    assert people_many.obstacles({user("root").pk}, user("owner"))
    assert not people_many.obstacles({user("person").pk}, user("root"))


def test_all_or_none() -> None:
    keys = f"{user().pk} {user('viewer').pk}"
    user("viewer").delete()
    answer = browser("root").post(page("accounts_user_many", "deactivate"), {"people": keys}, follow=True)
    assert told(answer)[0] == "Nothing was changed."
    assert user().is_active


@pytest.mark.parametrize("keys", ["", "x", "1.5", "9" * 30, " ".join(["1"] * 5_001)])
def test_what_names_nobody_is_refused(keys: str) -> None:
    assert browser("root").post(page("accounts_user_many", "deactivate"), {"people": keys}).status_code == 400


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("username", ["owner", "editor", "viewer", "nobody"])
def test_nobody_else_does_it(deed: str, username: str) -> None:
    answer = do(browser(username), deed, "person")
    assert answer.status_code == 403
    assert user().is_active


def test_there_is_no_other_deed() -> None:
    assert do(browser("root"), "delete", "person").status_code == 404


@pytest.mark.parametrize("deed", DEEDS)
def test_it_waits_for_a_fresh_proof_and_keeps_what_was_chosen(deed: str) -> None:
    root = user("root")
    root.set_password(PASSWORD)
    root.save()
    http = Http()
    give_password(http, root)
    signed_in("person")
    with time_machine.travel(clock.now() + LATER):
        asked = choose(http, deed, "person")
        assert form_of(asked)["people"] == str(user().pk)  # choosing asks for nothing
        answer = do(http, deed, "person")
        assert answer.redirect_chain
        assert "Confirm that it is you. What you entered is kept meanwhile." in answer.content.decode()
        assert not SecurityEvent.objects.filter(detail__person=user().sub).exists()
        assert user().is_active


def test_a_file_for_table_calculators_runs_no_formula() -> None:
    User.objects.filter(username="person").update(first_name="=HYPERLINK(1)", last_name="+1")
    answer = do(browser("root"), "export", "person", "viewer")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    rows = list(csv.reader(io.StringIO(answer.content.decode().removeprefix("\ufeff"))))
    assert rows[0] == [*COLUMNS]
    assert rows[1][1:8] == ["person", "'=HYPERLINK(1)", "'+1", "person@people.example", "yes", "no", "no"]
    assert rows[2][1] == "viewer"
    event = SecurityEvent.objects.get(kind="people.exported")
    assert (event.sub, event.detail) == (user("root").sub, {"number": 2})


def loses_the_right(monkeypatch: pytest.MonkeyPatch, **now: bool) -> None:
    """Whoever acts, while they wait for the rows."""
    locked = people_many.locked

    def waits(keys: set[int], by: User) -> people_many.People:
        User.objects.filter(pk=by.pk).update(**now)
        return locked(keys, by)

    monkeypatch.setattr(people_many, "locked", waits)


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("now", [{"is_superuser": False}, {"is_active": False}])
def test_who_lost_the_right_while_they_waited_does_nothing(
    deed: str, now: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(username="owner").update(is_superuser=True)
    signed_in("owner")
    enrol(user("owner"))
    http = browser("root")
    loses_the_right(monkeypatch, **now)
    assert do(http, deed, "owner").status_code == 403
    assert user("owner").is_active
    assert SignIn.objects.filter(user=user("owner"), ended_at=None).exists()
    assert Authenticator.objects.filter(user=user("owner")).exists()
    assert not SecurityEvent.objects.exists()


@pytest.mark.parametrize("act", ["deactivate", "sign-out-everywhere", "second-steps"])
def test_nor_do_they_from_the_page_of_one(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in("owner")
    enrol(user("owner"))
    http = browser("root")
    loses_the_right(monkeypatch, is_superuser=False)
    assert http.post(page("accounts_user_person_act", user("owner").pk, act)).status_code == 403
    assert not SecurityEvent.objects.exists()


@pytest.mark.postgresql
@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_waits_for_the_same_rows_in_the_same_order(deed: str) -> None:
    """Two of them, whatever they do, never wait for each other."""
    http = browser("root")
    with CaptureQueriesContext(connection) as asked:
        do(http, deed, "viewer", "editor")
    (waits,) = [one["sql"] for one in asked if "FOR UPDATE" in one["sql"] and '"accounts_user"' in one["sql"]]
    assert '"is_superuser"' in waits
    assert waits.endswith('ORDER BY "accounts_user"."id" ASC FOR UPDATE')


def test_who_signs_out_their_own_account_reads_that_it_is_among_them() -> None:
    own = "Your own account is among them: you sign in again then."
    assert own in choose(browser("root"), "sign-out", "root", "person").context["effects"]
    assert own not in choose(browser("root"), "sign-out", "person", "viewer").context["effects"]


def test_who_removes_their_own_second_step_reads_that_it_is_among_them() -> None:
    """Where ten others are named, nobody finds their own name."""
    own = "Your own account is among them: you sign in again then, without a second step."
    http = browser("root")
    assert own not in choose(http, "second-steps", "root", "person").context["effects"], "it has none"
    enrol(User.objects.get(username="root"))
    assert own in choose(http, "second-steps", "root", "person").context["effects"]
    assert own not in choose(http, "second-steps", "person", "viewer").context["effects"]


def test_large_numbers_are_said_as_all_others() -> None:
    numbers = people_many.Numbers(User.objects.none())
    vars(numbers)["second_steps"] = 1_234
    assert next(DEEDS["second-steps"].effects(numbers)).startswith("1,234 people lose")


def test_a_table_asks_for_no_number_that_it_does_not_say() -> None:
    http = browser("root")
    with CaptureQueriesContext(connection) as asked:
        choose(http, "export", "person")
    assert not [one for one in asked if "mfa_authenticator" in one["sql"] or "clients_authorization" in one["sql"]]


def test_hundreds_cost_hardly_more_statements_than_two() -> None:
    def statements(deed: str, first: str) -> int:
        User.objects.bulk_create(User(username=f"{first}{n}") for n in range(2 if first == "a" else 200))
        names = User.objects.filter(username__regex=rf"^{first}[0-9]+$")
        SignIn.objects.bulk_create(SignIn(user=one) for one in names)
        Authenticator.objects.bulk_create(Authenticator(user=one, type="totp", data={}) for one in names)
        http = browser("root")
        http.get(page(LIST))
        keys = " ".join(str(one.pk) for one in names)
        with CaptureQueriesContext(connection) as asked:
            http.post(page("accounts_user_many", deed), {"people": keys})
        return len(asked)

    for deed in ("deactivate", "sign-out", "second-steps", "export"):
        User.objects.filter(username__regex=r"^[a-b][0-9]+$").delete()
        assert statements(deed, "b") < statements(deed, "a") + 10, deed  # rows are written in batches
