"""The first start, the second one, and the lines it prints."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from clients import secrets
from clients.models import Authorization, Client, SigningKey
from common.jws import ALGORITHMS
from projects.models import Api, Project
from provider.keys.mint import verify
from tests.idp.pasting import pasted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keys")]


@pytest.fixture(autouse=True)
def state(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of its own for what is kept between starts."""
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)
    settings.STATE_DIR = tmp_path / "var"
    return tmp_path / "var" / "secrets.env"


def quickstart(*arguments: str) -> Any:
    return json.loads(printed(*arguments, "--format", "json"))


def printed(*arguments: str) -> str:
    output = io.StringIO()
    call_command("quickstart", *arguments, stdout=output, stderr=io.StringIO())
    return output.getvalue()


class TestTheFirstStart:
    def test_it_says_where_everything_is_and_how_to_get_in(self) -> None:
        shown = quickstart()
        assert shown["issuer"] == "http://localhost:8000"
        admin = shown["admin"]
        assert admin["url"] == "http://localhost:8000/admin/"
        user = User.objects.get(username=admin["username"])
        assert user.is_superuser
        assert user.is_staff
        assert user.check_password(admin["password"])
        person = shown["demo"]["user"]
        assert User.objects.get(username="demo").check_password(person["password"])

    def test_two_clients_share_a_project_and_one_stands_outside(self) -> None:
        shown = quickstart()["demo"]["clients"]
        assert [(one["project"], one["client_id"]) for one in shown] == [
            ("acme", "acme-web"),
            ("acme", "acme-notes"),
            ("globex", "globex-web"),
        ]
        for one in shown:
            client = Client.objects.get(client_id=one["client_id"])
            assert client.home.key == one["project"]
            assert secrets.matches(one["client_secret"], client.secrets.get().digest)

    def test_it_makes_signing_keys(self) -> None:
        SigningKey.objects.all().delete()
        quickstart("--no-demo")
        assert SigningKey.objects.filter(state="active").count() == len(ALGORITHMS)

    def test_passwords_and_secrets_are_random_and_kept_where_only_the_owner_reads(self, state: Path) -> None:
        shown = quickstart()
        kept = state.read_text()
        values = [
            shown["admin"]["password"],
            shown["demo"]["user"]["password"],
            *(one["client_secret"] for one in shown["demo"]["clients"]),
        ]
        assert len({*values}) == len(values) == 5
        assert all(len(value) >= 16 and f"={value}\n" in kept for value in values)
        assert state.stat().st_mode & 0o777 == 0o600

    def test_the_text_says_the_same(self) -> None:
        text = printed()
        shown = quickstart()
        for expected in (
            f"Issuer     {shown['issuer']}",
            f"Console    {shown['admin']['url']}",
            f"admin  {shown['admin']['password']}",
            f"Demo user  demo  {shown['demo']['user']['password']}",
            *(f"{one['client_id']}  {one['client_secret']}" for one in shown["demo"]["clients"]),
            *(f"# {one['shows']}\ncurl " for one in shown["demo"]["commands"]),
        ):
            assert expected in text

    def test_without_a_demo_there_is_only_the_administrator(self) -> None:
        shown = quickstart("--no-demo")
        assert shown["demo"] is None
        assert [user.username for user in User.objects.all()] == ["admin"]
        assert not Project.objects.exists()
        assert "curl" not in printed("--no-demo")


@pytest.mark.any_database
class TestTheLinesToPaste:
    def command(self, number: int) -> str:
        return str(quickstart()["demo"]["commands"][number]["command"])

    def test_the_client_gets_a_token_of_its_own(self) -> None:
        status, answer = pasted(self.command(0))
        assert status == 200
        assert answer["token_type"] == "Bearer"
        assert "refresh_token" not in answer

    def test_its_token_is_introspected(self) -> None:
        status, answer = pasted(self.command(1))
        assert status == 200
        assert answer["active"] is True
        assert (answer["client_id"], answer["aud"]) == ("acme-web", "https://api.acme.example/orders")

    def test_it_gets_an_id_token_for_its_sibling(self) -> None:
        status, answer = pasted(self.command(2))
        assert status == 200
        claims = verify(answer["id_token"], "JWT")
        assert claims is not None
        assert (claims["aud"], claims["azp"]) == ("acme-notes", "acme-web")
        assert claims["sub"] == str(User.objects.get(username="demo").sub)

    def test_it_gets_none_for_a_client_of_another_project(self) -> None:
        status, answer = pasted(self.command(3))
        assert status == 400
        assert answer["error"] == "invalid_audience"


@pytest.mark.any_database
class TestTheSecondStart:
    def test_it_shows_the_same_and_changes_nothing(self) -> None:
        first = quickstart()
        rows = [*User.objects.order_by("pk").values(), *Client.objects.order_by("pk").values()]
        second = quickstart()
        assert second["admin"] == first["admin"]
        assert second["demo"]["clients"] == first["demo"]["clients"]
        assert [*User.objects.order_by("pk").values(), *Client.objects.order_by("pk").values()] == rows

    def test_the_demo_refresh_token_of_the_start_before_has_ended(self) -> None:
        before = quickstart()["demo"]["commands"][2]["command"]
        assert pasted(before)[0] == 200
        after = quickstart()["demo"]["commands"][2]["command"]
        assert pasted(before)[1]["error"] == "invalid_grant"
        assert pasted(after)[0] == 200
        assert Authorization.objects.filter(ended_at=None).count() == 1

    def test_what_people_changed_stays_changed(self) -> None:
        quickstart()
        web = Client.objects.get(client_id="acme-web")
        web.redirect_uris += "\nhttps://www.acme.example/callback"
        web.save()
        Project.objects.filter(key="acme").update(name="Renamed")
        quickstart()
        assert len(Client.objects.get(client_id="acme-web").redirect_uri_list) == 2
        assert Project.objects.get(key="acme").name == "Renamed"

    def test_what_people_removed_comes_back(self) -> None:
        quickstart()
        Api.objects.all().delete()
        shown = quickstart()
        assert Api.objects.exists()
        assert pasted(shown["demo"]["commands"][2]["command"])[0] == 200

    def test_a_client_people_deleted_does_not_come_back(self) -> None:
        """Its id is never used again; the sentence says how to start without the demo."""
        quickstart()
        Client.objects.get(client_id="acme-notes").delete()
        with pytest.raises(CommandError, match=r"never used again[\s\S]*--no-demo"):
            quickstart()

    def test_passwords_people_chose_are_neither_reset_nor_shown(self, state: Path) -> None:
        quickstart()
        for user in User.objects.all():
            user.set_password("chosen by a person")
            user.save()
        shown = quickstart()
        assert shown["admin"]["password"] is None
        assert shown["demo"]["user"]["password"] is None
        text = printed()
        assert "admin  (as you set it)" in text
        assert state.read_text().splitlines()[2].startswith("ADMIN_PASSWORD=")
        assert state.read_text().splitlines()[2].removeprefix("ADMIN_PASSWORD=") not in text
        assert all(user.check_password("chosen by a person") for user in User.objects.all())

    def test_a_secret_people_replaced_is_not_shown_and_makes_no_lines(self) -> None:
        quickstart()
        web = Client.objects.get(client_id="acme-web")
        secrets.revoke(web.secrets.get())
        secrets.generate(web)
        shown = quickstart()["demo"]
        assert shown["clients"][0]["client_secret"] is None
        assert shown["commands"] == []
        assert "None: the demo client's secret was changed" in printed()

    def test_another_superuser_means_no_admin_is_made(self) -> None:
        User.objects.create_superuser("owner", password="chosen by a person")
        shown = quickstart("--no-demo")
        assert (shown["admin"]["username"], shown["admin"]["password"]) == ("owner", None)
        assert not User.objects.filter(username="admin").exists()

    @pytest.mark.parametrize("username", ["admin", "Admin"])
    def test_somebody_else_of_that_name_is_told(self, username: str) -> None:
        User.objects.create_user(username)
        with pytest.raises(CommandError, match=r"The superuser 'admin' cannot be made: Another .* createsuperuser\."):
            quickstart("--no-demo")

    def test_a_clash_with_the_demo_says_what_to_do(self) -> None:
        project = Project.objects.create(key="mine", name="Mine")
        Client.objects.create(client_id="acme-notes", client_type="confidential", project=project)
        with pytest.raises(CommandError, match=r"(?s)The demo clashes.*acme-notes.*quickstart --no-demo"):
            quickstart()
        assert not Project.objects.filter(key="acme").exists()


def test_secrets_that_open_no_key_are_told(settings: Any) -> None:
    settings.IDP_KEY_SECRETS = ["another secret that is long enough"]
    SigningKey.objects.filter(state="active").delete()
    with pytest.raises(CommandError, match=r"The next .* key cannot be opened: IDP_KEY_SECRETS does not hold"):
        quickstart("--no-demo")
    assert not SigningKey.objects.exclude(state="next").exists()
    assert not User.objects.exists()


class TestWhereADeploymentMayBe:
    @pytest.fixture(autouse=True)
    def _no_issuer(self, settings: Any) -> None:
        settings.IDP_ISSUER_FORGOTTEN = True

    def test_demo_data_is_refused(self) -> None:
        with pytest.raises(CommandError, match=r"IDP_ISSUER is not set: the demo is not made .* Set IDP_ISSUER"):
            quickstart()
        assert not User.objects.exists()

    def test_the_rest_is_prepared(self) -> None:
        assert quickstart("--no-demo")["demo"] is None


class TestOffLoopback:
    @pytest.fixture(autouse=True)
    def _off_loopback(self, settings: Any) -> None:
        settings.IDP_ISSUER, settings.IS_LOCAL = "https://id.example.test", False

    def test_demo_data_is_refused(self) -> None:
        with pytest.raises(CommandError, match=r"for loopback only, .* https://id\.example\.test\. Run .*--no-demo"):
            quickstart()
        assert not User.objects.exists()

    def test_nothing_is_made_up_or_written(self, state: Path) -> None:
        shown = quickstart("--no-demo")
        assert shown["admin"] == {"url": "https://id.example.test/admin/", "username": None, "password": None}
        assert "nobody yet: run 'manage.py createsuperuser'" in printed("--no-demo")
        assert not User.objects.exists()
        assert not state.exists()

    def test_the_operator_names_the_first_password_which_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ADMIN_PASSWORD", "chosen by the operator")
        text = printed("--no-demo")
        assert User.objects.get().check_password("chosen by the operator")
        assert "admin  (as you set it)" in text
        assert "chosen by the operator" not in text

    def test_a_first_password_in_a_file_is_the_one_that_was_typed(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """No browser sends a line end."""
        file = tmp_path / "password"
        file.write_text("chosen by the operator\n")
        monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(file))
        printed("--no-demo")
        assert User.objects.get().check_password("chosen by the operator")
