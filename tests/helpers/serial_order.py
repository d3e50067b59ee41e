"""Is there a serial order of commands on one workflow key that explains all of their answers?

What a key does by itself: absent → live → ended → live → …; a start makes it live, the first accepted stop of a life
ends it some time later. A command took effect at one moment between its call and its answer; the check looks for such
moments for all of them (as P-compositional linearizability checkers do, one key at a time).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class Command:
    """One call and its answer. `token` is what it carried as data; the rest is what a check was shown.

    `life` is the token of the start (None if not known yet), `ended_by` that of the stop; a live one has none.
    """

    kind: Literal["start", "stop", "check"]
    token: str
    begun: float
    done: float
    status: int
    life: str | None = None
    ended_by: str | None = None
    is_ended: bool = False


_OK, _ACCEPTED = 200, 202
_POSSIBLE_IN: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("start", 202): ("absent", "ended"),
    ("start", 409): ("live",),
    ("stop", 202): ("live",),
    ("stop", 409): ("ended",),
    ("stop", 404): ("absent",),
    ("check", 200): ("live", "ended"),
    ("check", 404): ("absent",),
}


@dataclass(frozen=True, slots=True)
class _Key:
    """The key at one moment. `stop` is the first that was accepted in this life."""

    phase: Literal["absent", "live", "ended"] = "absent"
    life: str | None = None
    stop: str | None = None

    def shows(self, command: Command) -> bool:
        """True if the command may have this answer now, without changing anything."""
        if self.phase not in _POSSIBLE_IN.get((command.kind, command.status), ()):
            return False
        if command.status == _ACCEPTED:
            return command.kind == "stop" and self.stop is not None
        if (command.kind, command.status) != ("check", _OK):
            return True
        if command.is_ended != (self.phase == "ended"):
            return False
        if command.is_ended:
            return (self.life, self.stop) == (command.life, command.ended_by)
        return command.life in {None, self.life}


class _World(NamedTuple):
    """One way in which it can have gone so far: the key, and which of the open commands have had their moment.

    An accepted stop that came after the first of a life is only `covered`: it had a moment at which it changed
    nothing, and may still turn out to be the first stop of a later life.
    """

    key: _Key
    effective: frozenset[int]
    covered: frozenset[int]


def unexplained(commands: Sequence[Command]) -> Command | None:
    """The first command, by its answer, that no serial order explains; None if there is an order for all."""
    return _Judge(commands).verdict()


class _Judge:
    def __init__(self, commands: Sequence[Command]) -> None:
        self._commands = commands
        self._open: set[int] = set()
        looks = [one for one in commands if one.kind == "check" and one.status == _OK]
        self._lives_seen = {one.life for one in looks}
        self._stop_of = {one.life: one.ended_by for one in looks if one.is_ended}
        self._stops_seen = set(self._stop_of.values())
        self._answered: set[int] = set()
        self._looks: dict[tuple[str | None, bool], set[int]] = defaultdict(set)
        for number, one in enumerate(commands):
            if one.kind == "check" and one.status == _OK:
                self._looks[one.life, one.is_ended].add(number)

    def verdict(self) -> Command | None:
        """As `unexplained`."""
        moments = [(one.begun, 0, number) for number, one in enumerate(self._commands)]
        moments += [(one.done, 1, number) for number, one in enumerate(self._commands)]
        worlds = {_World(_Key(), frozenset(), frozenset())}
        for _, is_answer, number in sorted(moments):
            if not is_answer:
                self._open.add(number)
                continue
            done = frozenset([number])
            worlds = {
                _World(world.key, world.effective - done, world.covered - done)
                for world in self._reached(worlds)
                if number in world.effective or number in world.covered
            }
            self._open.discard(number)
            self._answered.add(number)
            if not worlds:
                return self._commands[number]
        return None

    def _reached(self, worlds: Iterable[_World]) -> set[_World]:
        """Every world that the open commands can lead to, in any order, and the key by itself."""
        found: set[_World] = set()
        ahead = [self._with_looks(world) for world in worlds]
        while ahead:
            world = ahead.pop()
            if world not in found:
                found.add(world)
                ahead += [self._with_looks(one) for one in self._next(world)]
        return found

    def _with_looks(self, world: _World) -> _World:
        """The world after all open commands that change nothing in it: to let those wait does not help."""
        fitting = {one for one in self._open - world.effective if world.key.shows(self._commands[one])}
        stops = {one for one in fitting if self._commands[one].status == _ACCEPTED}
        unseen = {one for one in stops if self._commands[one].token not in self._stops_seen}
        return _World(world.key, world.effective | (fitting - stops), world.covered | unseen)

    def _next(self, world: _World) -> Iterable[_World]:
        key = world.key
        if self._is_still_seen(world):
            return []
        if key.phase != "live":
            return [
                _World(_Key("live", self._commands[one].token), world.effective | {one}, world.covered)
                for one in self._candidates("start", world, self._lives_seen)
            ]
        if key.stop is not None:
            return [_World(_Key("ended", key.life, key.stop), world.effective, world.covered)]
        return self._first_stops(world)

    def _is_still_seen(self, world: _World) -> bool:
        """True if the key cannot become what comes next, since somebody sees it as it is later than now.

        A live one that is not stopped yet may be stopped: it still looks the same.
        """
        key = world.key
        if key.phase == "absent" or (key.phase == "live" and key.stop is None):
            return False
        return not self._looks[key.life, key.phase == "ended"] <= self._answered | world.effective

    def _first_stops(self, world: _World) -> Iterable[_World]:
        life = world.key.life
        return [
            _World(_Key("live", life, self._commands[one].token), world.effective | {one}, world.covered)
            for one in self._candidates("stop", world, self._stops_seen)
            if self._may_end(life, self._commands[one].token)
        ]

    def _may_end(self, life: str | None, stop: str) -> bool:
        """False if a check has shown that this life was ended by another stop, or the stop ended another life."""
        return self._stop_of[life] == stop if life in self._stop_of else stop not in self._stops_seen

    def _candidates(self, kind: str, world: _World, seen: Container[str | None]) -> list[int]:
        """The open accepted commands that may act next.

        Of those whose token no check was ever shown, any can stand for any other: the one with the earliest answer.
        """
        accepted = [
            one
            for one in self._open - world.effective
            if (self._commands[one].kind, self._commands[one].status) == (kind, _ACCEPTED)
        ]
        known = [one for one in accepted if self._commands[one].token in seen]
        unknown = sorted((one for one in accepted if one not in known), key=lambda one: self._commands[one].done)
        return known + unknown[:1]


def figures(times_ms: Sequence[float]) -> dict[str, Any]:
    """Median, 99th percentile and maximum of response times."""
    ordered = sorted(times_ms)
    return {
        "median_ms": round(ordered[len(ordered) // 2]),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)]),
        "max_ms": round(ordered[-1]),
    }
