"""The load: programs and people at a constant, small rate, each in a thread of its own."""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.soak import world
from tests.soak.client import Http
from tests.soak.flows import Flows, Gone, Secrets
from tests.soak.ledger import BITES_WITHIN, Chain, Ledger

REMEMBERED = 400  # tokens of each kind, alive and dead, which are looked at again after a fault


@dataclass
class Load:
    ledger: Ledger
    issuer: str
    public: int
    nodes: Sequence[int]
    tls: ssl.SSLContext
    secrets: Secrets
    alive: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    dead: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    over: threading.Event = field(default_factory=threading.Event)
    broken: list[BaseException] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def flows(self, seed: int) -> Flows:
        nodes = [Http(port, self.issuer) for port in self.nodes]
        return Flows(self.ledger, Http(self.public, self.issuer, self.tls), nodes, self.secrets, random.Random(seed))

    def start(self) -> None:
        actors: list[tuple[Callable[[Flows], Callable[[], None]], float]] = [
            (self._person, 4.0),
            (self._person, 4.0),
            *[(self._app, 1.0)] * 4,
            *[(self._machine, 0.8)] * 2,
            (self._changing, 4.0),
            (self._device, 8.0),
        ]
        for number, (actor, pace) in enumerate(actors):
            run = (actor(self.flows(number)), pace, random.Random(number))
            thread = threading.Thread(target=self._act, args=run, name=f"load-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(60)

    def _act(self, once: Callable[[], None], pace: float, chance: random.Random) -> None:
        """A round, then the rest of the time that it may take. A mistake of ours ends the soak."""
        while not self.over.wait(pace * chance.uniform(0.5, 1.0)):
            try:
                once()
            except Gone:
                continue
            except Exception as error:
                self.broken.append(error)
                return

    # --- Who there is ---------------------------------------------------------------------------------------------

    def _person(self, flows: Flows) -> Callable[[], None]:
        def once() -> None:
            chain = flows.sign_in(flows.random.randrange(world.PEOPLE))
            token = flows.refresh(chain)
            flows.userinfo(token)
            self.alive.append(token)

        return once

    def _app(self, flows: Flows) -> Callable[[], None]:
        """Keeps an authorization for long, and begins anew where it has none."""
        chain: list[Chain] = []

        def once() -> None:
            if not chain or not chain[0].token:
                chain[:] = [flows.sign_in(flows.random.randrange(world.PEOPLE))]
            token = flows.refresh(chain[0])
            self.alive.append(token)
            flows.userinfo(token)
            if flows.random.random() < 0.5:
                exchanged = flows.exchange(token)
                chain[0].access.append(exchanged)
                self.alive.append(exchanged)
            if flows.random.random() < 0.02:
                flows.reuse(chain[0])

        return once

    def _machine(self, flows: Flows) -> Callable[[], None]:
        """Gets tokens, asks about them, and gives every other one back, which all nodes have to know at once."""

        def once() -> None:
            token = flows.own_token()
            flows.introspect(token)
            flows.signed_token()
            if flows.random.random() < 0.5:
                self.alive.append(token)
                return
            flows.revoke(token)
            self.dead.append(token)
            self._until_dead(flows, token)

        return once

    def _until_dead(self, flows: Flows, token: str) -> None:
        """Ask every node until it knows."""
        began = time.monotonic()
        left = list(flows.nodes)
        while left and time.monotonic() < began + 3 * BITES_WITHIN:
            left = [node for node in left if self._says_it_works(flows, token, node)]
            time.sleep(0.02)

    @staticmethod
    def _says_it_works(flows: Flows, token: str, node: Http) -> bool:
        try:
            return flows.introspect(token, node)
        except Gone:
            return False

    def _changing(self, flows: Flows) -> Callable[[], None]:
        """An operator disables an app, and enables it again: what it had stays over."""

        def once() -> None:
            headers = flows.administer()
            flows.switch(headers, on=True)
            time.sleep(BITES_WITHIN)
            token = flows.own_token(world.SWITCH)
            self.ledger.ending(token)
            answer = flows.switch(headers, on=False)
            self.ledger.ended(token, answer.ended)
            self.dead.append(token)
            self._until_dead(flows, token)

        return once

    def _device(self, flows: Flows) -> Callable[[], None]:
        return lambda: flows.device(flows.random.randrange(world.PEOPLE))

    def forget(self) -> None:
        """What was alive has ended."""
        self.dead.extend(self.alive)
        self.alive.clear()

    # --- After a fault --------------------------------------------------------------------------------------------

    def examine(self) -> int:
        """What was received works, and what was ended does not; how many were asked about."""
        flows = self.flows(int(time.monotonic()))
        asked = [*list(self.alive)[-150:], *list(self.dead)[-100:]]
        for token in asked:
            try:
                flows.introspect(token)
            except Gone:
                continue
        return len(asked)
