"""Ourselves, small and full. Requests concern many clients, people and tokens: as many as there are, up to a limit."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import psycopg

from tests.benchmarks.flows import AT_SCALE, Flow, Items
from tests.benchmarks.load import Call, basic
from tests.benchmarks.peers.base import PYTHON, ROOT, Setting
from tests.benchmarks.peers.vestibule import SMALL, Vestibule
from tests.benchmarks.processes import ask

CLIENTS, TOKENS, PEOPLE = 1_000, 10_000, 1_000


class AtScale(Vestibule):
    flows = tuple(AT_SCALE)

    def start(self, setting: Setting) -> None:
        super().start(setting)
        self.filled = setting.tokens if self.full else SMALL[1]
        # What was filled in gets onto the disk now, not in the middle of the run.
        refused = contextlib.suppress(psycopg.errors.InsufficientPrivilege)
        with refused, psycopg.connect(setting.postgres, autocommit=True) as connection:
            connection.execute("checkpoint")

    def call(self, flow: Flow) -> Call:
        """Client credentials are of another client each time: the item is its authorization."""
        call = super().call(flow)
        return replace(call, authorization="{item}") if flow == AT_SCALE["client_credentials"] else call

    def items(self, flow: Flow, count: int) -> list[str]:
        if flow == AT_SCALE["client_credentials"]:
            secret = self.credentials("other")[1]
            return [basic(client_id, secret) for client_id in self._data("client_ids", CLIENTS)]
        if flow.items is Items.CHAIN:
            return self._data("refresh_tokens", PEOPLE)
        if flow.items is Items.CYCLE:
            return self._data("people" if flow.path == "userinfo" else "access_tokens", TOKENS, self.filled)
        return super().items(flow, count)

    def _data(self, what: str, *numbers: int) -> list[str]:
        command = [PYTHON, "-m", "tests.benchmarks.vestibule_data", what, *map(str, numbers)]
        return ask(command, self.installation.environment, ROOT).split("\n")
