"""One interleaved run: round after round, flow after flow, every peer in turn, so that a slow minute hits all alike."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.benchmarks.counting import Count
from tests.benchmarks.figures import Figures, Run, summarize
from tests.benchmarks.flows import Flow, Items
from tests.benchmarks.load import WrongAnswer, press
from tests.benchmarks.machine import memory_mb, settle, signing_rate
from tests.benchmarks.peers import Peer, Setting
from tests.benchmarks.peers.vestibule import Vestibule

SLOW_SECONDS = 10  # a peer that takes a second for an answer
WARM_UP = 1  # seconds
WARM_UP_AT_SCALE = 30  # every worker has to have met every client
COUNTED = 20  # requests


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@dataclass
class Statements:
    """Per request, on warm caches."""

    statements: float
    control: float
    trips: float


@dataclass
class Results:
    """`signing` is openssl's, RSA-2048 signatures per second on the server's core, in the order of the rounds."""

    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)  # peer, flow
    memory: dict[str, float] = field(default_factory=dict)  # MB, after the run
    statements: dict[str, dict[str, Statements]] = field(default_factory=dict)
    signing: tuple[float, ...] = ()
    memory_judged: float | None = None  # MB, of as many workers of ours as the goal is for
    failed: list[str] = field(default_factory=list)


@dataclass
class Measuring:
    peers: Sequence[Peer]
    flows: Sequence[Flow]
    seconds: int
    rounds: int
    connections: int
    setting: Setting
    warm_up: int = WARM_UP
    _runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)
    _broken: dict[tuple[str, str], str] = field(default_factory=dict)
    _good: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _rate: dict[str, float] = field(default_factory=dict)  # the best of runs that sign: for how many codes to mint

    def measure(self) -> Results:
        signing = tuple(self._round(number) for number in range(1, self.rounds + 1))
        memory = {peer.name: memory_mb(peer.session) for peer in self.peers}
        results = Results(memory=memory, signing=signing)
        for (peer_name, flow_key), runs in self._runs.items():
            results.figures.setdefault(peer_name, {})[flow_key] = summarize(runs)
        results.failed = [f"{peer}, {flow}: {why}" for (peer, flow), why in self._broken.items()]
        return results

    def _round(self, number: int) -> float:
        for flow in self.flows:
            for peer in self.peers:
                self._try(peer, flow, number)
        return signing_rate(self.setting.cores.server) if any(flow.key == "kept" for flow in self.flows) else 0.0

    def _try(self, peer: Peer, flow: Flow, number: int) -> None:
        point = (peer.name, flow.key)
        if flow.key not in peer.flows or point in self._broken:
            return
        try:
            if number == 1:
                self._check(peer, flow)
            slow = peer.slow and flow.client is not None
            run = self._press(peer, flow, max(self.seconds, SLOW_SECONDS) if slow else self.seconds)
        except WrongAnswer as error:
            self._broken[point] = str(error)
            self._runs.pop(point, None)
            say(f"  {peer.name} {flow.key}: left out, {error}")
            return
        self._runs.setdefault(point, []).append(run)
        noted = f", {run.errors} errors" if run.errors else ""
        say(f"  round {number}  {flow.key:20}{peer.name:20}{run.rate:10,.1f}/s  {run.cpu_ms:8.3f} ms CPU{noted}")

    def _check(self, peer: Peer, flow: Flow) -> None:
        """One request by hand, then a moment of load."""
        items = self._items(peer, flow, 1)
        peer.call(flow).once(items[0] if items else "")
        if not peer.slow:
            self._once(peer, flow, self.warm_up)

    def _press(self, peer: Peer, flow: Flow, seconds: int) -> Run:
        run = self._once(peer, flow, seconds)
        while run.ran_out and flow.items is Items.ONCE:
            say(f"  {peer.name} {flow.key}: the codes did not last, again with more")
            run = self._once(peer, flow, seconds)
        if not run.requests:
            raise WrongAnswer(f"no answer within {seconds} seconds")
        if run.errors * 100 > run.requests:
            raise WrongAnswer(f"{run.refused} of {run.requests} were refused, {run.broken} got no answer")
        return run

    def _once(self, peer: Peer, flow: Flow, seconds: int) -> Run:
        items = self._items(peer, flow, self._needed(peer, flow, seconds))
        run = press(
            peer.call(flow),
            items,
            session=peer.session,
            seconds=seconds,
            connections=self.connections,
            database=self.setting.database_process,
        )
        settle(peer.session)
        if flow.items in (Items.CHAIN, Items.ONCE):
            self._rate[peer.name] = max(run.requests / run.seconds, self._rate.get(peer.name, 0))
        return run

    def _needed(self, peer: Peer, flow: Flow, seconds: int) -> int:
        """wrk takes one item before it begins. Codes have to last for the run: twice what the runs before suggest."""
        if flow.items is Items.ONCE:
            return math.ceil(2 * self._rate.get(peer.name, 0) * seconds) + 20 * self.connections
        return self.connections + 1

    def _items(self, peer: Peer, flow: Flow, count: int) -> list[str]:
        if flow.items is not Items.CYCLE:
            return peer.items(flow, count)
        kept = (peer.name, flow.key)
        if kept not in self._good:
            self._good[kept] = peer.items(flow, self.connections + 1)
        return self._good[kept]


def count_statements(peer: Vestibule, flows: Sequence[Flow], setting: Setting) -> dict[str, Statements]:
    """Statements per request of each flow, one request after the other, on a server whose caches are warm."""
    found = {}
    with ExitStack() as stack:
        twin, count = peer.counting(setting, stack)
        for flow in flows:
            call = twin.call(flow)
            items = twin.items(flow, COUNTED + 3 if flow.items is Items.ONCE else 1)
            for _ in range(3):
                items = _next(flow, items, call.once(items[0] if items else ""))
            before = count.copy()
            for _ in range(COUNTED):
                items = _next(flow, items, call.once(items[0] if items else ""))
            found[flow.key] = _per_request(count - before)
    return found


def memory_of(peer: Vestibule, flows: Sequence[Flow], setting: Setting, workers: int) -> float:
    """MB, after a second of every flow."""
    with ExitStack() as stack:
        twin = peer.twin("memory", setting, stack, workers)
        return Measuring([twin], flows, 1, 1, 8, setting).measure().memory[twin.name]


def _next(flow: Flow, items: list[str], answer: str) -> list[str]:
    if flow.items is Items.ONCE:
        return items[1:]
    if flow.items is Items.CHAIN:
        return [json.loads(answer).get("refresh_token", items[0])]
    return items


def _per_request(count: Count) -> Statements:
    return Statements(count.statements / COUNTED, count.control / COUNTED, count.trips / COUNTED)


def started(peers: Sequence[Peer], setting: Setting) -> None:
    for peer in peers:
        say(f"Starting {peer.title} ...")
        peer.start(setting)
