"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("av", "numpy", "onnxruntime", "opencv-python-headless")


def describe_machine() -> str:
    """Return processor, cores, vector instructions, load and versions on one line."""
    facts = dict(_cpu_facts())
    flags = facts.get("flags", "").split()
    vectors = next((name for name in ("avx512_vnni", "avx_vnni", "avx2") if name in flags), "no AVX2")
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[0]
    return (
        f"{facts.get('model name', platform.machine())} (family {facts.get('cpu family', '?')}, model "
        f"{facts.get('model', '?')}), {len(os.sched_getaffinity(0))} cores, {vectors}; load {load:.1f} at the start; "
        f"Linux {platform.release()}, Python {platform.python_version()}, {versions}"
    )


def is_busy() -> bool:
    """Whether other work disturbs the measurements."""
    return os.getloadavg()[0] > 0.5  # noqa: PLR2004 - half a core


def _cpu_facts() -> list[tuple[str, str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return []
    return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
