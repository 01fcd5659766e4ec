"""How long and how often faults are injected: short in `make test`, in full in `make faults`; and by which chance.

`WINNOW_FAULTS=full` asks for all of it. `SEED=…` repeats the choices of an earlier run: every run writes its seed down.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Self

FULL: Final = "WINNOW_FAULTS"
SEED: Final = "SEED"
QUICK_SEED: Final = 20
"""`make test` makes the same choices each time: what it finds, it finds for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The figures of one run.

    Attributes:
        seed: of every random choice.
        rounds: of random kills; each kills every process once.
        stop_s: how long a process is stopped.
        cut_s: how long the link is cut while a backlog grows.
        slow_s: how long the slow link is looked at.
        chaos_s: how long everything happens at once.
    """

    seed: int
    is_full: bool
    rounds: int
    stop_s: float
    cut_s: float
    slow_s: float
    chaos_s: float

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return what an environment asks for."""
        is_full = environment.get(FULL) == "full"
        chosen = environment.get(SEED)
        seed = int(chosen) if chosen else Random().randrange(10**6) if is_full else QUICK_SEED
        if is_full:
            return cls(seed=seed, is_full=True, rounds=30, stop_s=60, cut_s=60, slow_s=60, chaos_s=300)
        return cls(seed=seed, is_full=False, rounds=1, stop_s=1, cut_s=14, slow_s=8, chaos_s=8)

    def random(self, purpose: str) -> Random:
        """Return a source of chance that depends on seed and purpose alone, not on which tests ran before."""
        return Random(f"{self.seed} {purpose}")


SCALE: Final = Scale.of(os.environ)
