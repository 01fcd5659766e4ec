"""Print the entries of a lock file, hashes included, that one choice of extras needs.

    pip install --dry-run --ignore-installed --quiet --report report.json ".[gateway]"
    python3 scripts/lock_subset.py requirements.lock report.json > gateway.lock

One lock serves everything; an image with three dependencies should neither carry all of it nor lose the hashes.
"""

import json
import re
import sys
from pathlib import Path
from typing import Final

ENTRY: Final = re.compile(r"^\S+==(?:.*\\\n)+.*\n|^\S+==.*\n", re.MULTILINE)
"""A pinned line and the lines of hashes that it continues on."""


def locked_entries(lock: str) -> dict[str, str]:
    """Return a lock file's entries by normalised distribution name.

    A distribution that is locked differently for different Pythons has several; they stay together, with their markers.
    """
    entries: dict[str, str] = {}
    for entry in ENTRY.findall(lock):
        name = normalised(re.split(r"[\[=; ]", entry, maxsplit=1)[0])
        entries[name] = entries.get(name, "") + entry
    return entries


def subset(lock: str, report: str, project: str = "winnow") -> str:
    """Return the lock's entries for every distribution in pip's installation report, except the project itself.

    Raises:
        KeyError: a distribution is not in the lock.
    """
    entries = locked_entries(lock)
    names = {normalised(found["metadata"]["name"]) for found in json.loads(report)["install"]}
    return "".join(entries[name] for name in sorted(names - {project}))


def normalised(name: str) -> str:
    """Return a distribution's name in the one spelling that all indexes share. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.stdout.write(subset(*(Path(argument).read_text(encoding="utf-8") for argument in sys.argv[1:3])))
