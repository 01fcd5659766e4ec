"""Winnow's decoding and motion gate on a live camera: `look_live ADDRESS SETTLE_S SECONDS`.

The camera rests as in the edge: when the gate has seen nothing for as long as the settings say. Prints the processor
time of this process and its decoder over SECONDS, after SETTLE_S.
"""

import json
import os
import sys
import time

from benchmarks.harness.running import process_tree_cpu_s
from winnow.pipeline.motion import MotionGate
from winnow.pipeline.settings import MotionSettings
from winnow.pipeline.sources import open_source
from winnow.runtime.clock import SystemClock

ANALYSED_FPS = 5


def main() -> None:
    """Look at every frame of the sampler's grid."""
    address, settle_s, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    settings = MotionSettings()
    gate, began_s, moved_s, analysed = MotionGate(settings), time.monotonic(), 0.0, 0
    began_cpu_s: float | None = None
    with open_source(address, clock=SystemClock()) as source:
        source.sample(ANALYSED_FPS)
        while (passed_s := time.monotonic() - began_s) < settle_s + seconds:
            if began_cpu_s is None and passed_s >= settle_s:
                began_cpu_s, analysed = process_tree_cpu_s(os.getpid()), 0
            frame = source.read(0.5)
            if frame is None:
                continue
            analysed += 1
            motion = gate.update(frame.luma())
            if motion.regions or motion.is_global_change:
                moved_s = float(frame.stream_s)
            after_s = settings.rest_after_s
            source.rest(is_wanted=after_s is not None and float(frame.stream_s) - moved_s >= after_s)
        cpu_s = process_tree_cpu_s(os.getpid()) - (began_cpu_s or 0.0)
        skipped = source.stats.frames_skipped
    said = {"cpu_s": cpu_s, "wall_s": seconds, "memory_mib": 0.0, "analysed": analysed, "skipped": skipped}
    sys.stdout.write("\n" + json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
