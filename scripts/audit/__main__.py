"""`make audit` and `make sbom`: every locked dependency asked about, or listed.

    python -m scripts.audit audit [--service URL]      fails on a finding, and when nobody could be asked
    python -m scripts.audit sbom FILE

Both run programs of an environment of their own (scripts/audit/requirements.lock): what audits the project is no part
of it.
"""

# ruff: noqa: S603, T201 - argument lists are the project's own; a person reads what it says

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = ROOT / "requirements.lock"
PROGRAMS: Final = Path(sys.executable).parent

AFFECTED: Final = 1
NOT_ASKED: Final = 2


def verdict(report: str) -> tuple[int, list[str]]:
    """Return the exit code, and what a person has to know, for the JSON that pip-audit has written.

    pip-audit calls it a success when it could ask about nothing at all; each dependency has to have been asked about.
    """
    try:
        entries = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        entries = []
    found = [
        f"{entry['name']} {entry['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version'}"
        for entry in entries
        for flaw in entry.get("vulns", ())
    ]
    skipped = [entry["name"] for entry in entries if "skip_reason" in entry]
    asked = len(entries) - len(skipped)
    if found:
        return AFFECTED, [
            *found,
            "FAILED: known to be vulnerable; see above, then `make lock`.",
        ]
    if skipped or not entries:
        who = f"{len(skipped)} of {len(entries)} dependencies" if entries else "the dependencies"
        told = f"FAILED: the vulnerability service told nothing of {who}, so this is no audit; it knew {asked}."
        return NOT_ASKED, [told]
    return 0, [f"All {asked} locked dependencies were asked about; none is known to be vulnerable."]


def without_good_news(said: str) -> str:
    """Return what pip-audit says to people, but for the line with which it reports that it knows nothing as success."""
    return "\n".join(line for line in said.splitlines() if not line.startswith("No known vulnerabilities found"))


def audit(service: list[str]) -> int:
    """Ask about every entry of the lock file; say what came out."""
    command = [
        str(PROGRAMS / "pip-audit"),
        *("--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--progress-spinner", "off"),
        *("--format", "json", "--timeout", "15", *service),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, said = verdict(done.stdout)
    if code == NOT_ASKED:
        print(without_good_news(done.stderr)[-1500:], file=sys.stderr)
    print("\n".join(said), file=sys.stderr)
    return code


def sbom(path: Path) -> int:
    """Write the bill of materials of the lock file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [str(PROGRAMS / "cyclonedx-py"), "requirements", str(LOCK), "--pyproject", str(ROOT / "pyproject.toml")]
    command += [
        "--mc-type",
        "application",
        "--spec-version",
        "1.6",
        "--output-reproducible",
        "--output-file",
        str(path),
    ]
    code = subprocess.run(command, check=False).returncode
    print(f"written: {path}" if code == 0 else "FAILED: no bill of materials was written", file=sys.stderr)
    return code


def main() -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.audit")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("audit").add_argument("service", nargs="*", help="options for pip-audit, after --")
    commands.add_parser("sbom").add_argument("file", type=Path)
    given = parser.parse_args()
    return audit(given.service) if given.command == "audit" else sbom(given.file)


if __name__ == "__main__":
    sys.exit(main())
