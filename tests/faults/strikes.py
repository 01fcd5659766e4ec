"""Single faults: how each begins, how it ends, what shows that it happened; and how chance draws them."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from scripts.services import LocalServer
from scripts.services.process_tree import descendants
from tests.end_to_end.processes import Killable
from tests.faults.bounds import state_of
from tests.faults.history import Struck
from tests.faults.proxy import TcpProxy

Kind = Literal["kill", "wipe", "stop", "cut", "black hole", "half-close", "slow", "late"]
EDGE: Final = "edge"
BROKER: Final = "broker"
SLOW_BYTES_PER_S: Final = 32_000
"""256 kbit/s."""
LATE_S: Final = 0.4
_ON_LINES: Final[tuple[Kind, ...]] = ("cut", "black hole", "half-close", "slow", "late")
_GONE: Final = "pid gone"
_STOPS_WITHIN_S: Final = 2.0

End = Callable[[], Struck]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One fault that is about to happen: to a process, or to the line between a process and the broker."""

    kind: Kind
    part: str
    lasts_s: float


def begin(strike: Strike, parts: Mapping[str, Killable], lines: Mapping[str, TcpProxy]) -> End:
    """Let a fault begin; return what ends it and tells what it was."""
    if strike.kind in _ON_LINES:
        return _disturb(strike, lines[strike.part])
    part = parts[strike.part]
    return _stop(strike, part) if strike.kind == "stop" else _kill(strike, part)


def draw(random: Random, processes: Sequence[str], lines: Sequence[str], *, longest_s: float) -> Strike:
    """Return a fault by chance, of something that is named."""
    on_lines = [(kind, part) for kind in _ON_LINES for part in lines]
    on_processes: list[tuple[Kind, str]] = [(kind, part) for part in processes for kind in ("kill", "stop")]
    if BROKER in processes:
        on_processes.append(("wipe", BROKER))
    kind, part = random.choice([*on_lines, *on_processes])
    return Strike(kind=kind, part=part, lasts_s=round(random.uniform(0.2, longest_s), 2))


def _kill(strike: Strike, part: Killable) -> End:
    at_s, former = time.monotonic(), part.pid
    part.kill()
    evidence = {_GONE: float(not exists(former))}

    def end() -> Struck:
        if strike.kind == "wipe":
            assert isinstance(part, LocalServer)
            part.wipe()
            evidence["data gone"] = float(not part.data_dir.exists())
        part.start()
        evidence["another pid"] = float(part.pid != former)
        return _struck(strike, at_s, evidence)

    return end


def _stop(strike: Strike, part: Killable) -> End:
    """Stop a process with all its children: PostgreSQL's would answer without it."""
    at_s, family = time.monotonic(), [part.pid, *descendants(part.pid)]
    _signal_all(family, signal.SIGSTOP)
    while state_of(part.pid) != "T" and time.monotonic() - at_s < _STOPS_WITHIN_S:
        time.sleep(0.005)  # a process stops when it is its turn, on a busy machine not at once
    evidence = {"stopped": float(state_of(part.pid) == "T")}

    def end() -> Struck:
        _signal_all(family, signal.SIGCONT)
        return _struck(strike, at_s, evidence)

    return end


def _signal_all(family: Sequence[int], number: signal.Signals) -> None:
    for pid in family:
        with suppress(ProcessLookupError):  # a server's children come and go
            os.kill(pid, number)


def _disturb(strike: Strike, line: TcpProxy) -> End:
    at_s, before = time.monotonic(), replace(line.counts)
    match strike.kind:
        case "cut":
            line.cut()
        case "black hole":
            line.black_hole()
        case "half-close":
            line.half_close()
        case "slow":
            line.slow_down(SLOW_BYTES_PER_S)
        case _:
            line.slow_down(latency_s=LATE_S)

    def end() -> Struck:
        line.heal()
        now = line.counts
        figures = {
            "cut": float(now.reset - before.reset + now.turned_away - before.turned_away),
            "black hole": float(now.cut_bytes - before.cut_bytes),
            "half-close": float(now.half_closed - before.half_closed + now.cut_bytes - before.cut_bytes),
        }
        passed = float(now.passed_bytes - before.passed_bytes)
        return _struck(strike, at_s, {strike.kind: figures.get(strike.kind, passed)})

    return end


def _struck(strike: Strike, at_s: float, evidence: dict[str, float]) -> Struck:
    lasted_s = round(time.monotonic() - at_s, 2)
    return Struck(fault=strike.kind, part=strike.part, at_s=at_s, evidence={**evidence, "lasted_s": lasted_s})


def exists(pid: int) -> bool:
    """Return whether there is a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
