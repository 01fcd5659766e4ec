"""What an image consists of: enough for Python to run as nobody, and not one program more."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

SCRIPT: Final = Path(__file__).parents[3] / "scripts" / "image_root.py"
UID: Final = 10001
WORKS: Final = """
import asyncio, ctypes, hashlib, lzma, os, pwd, socket, sqlite3, ssl, sys, tempfile, zoneinfo
assert os.getuid() == 10001 and pwd.getpwuid(10001).pw_name == "winnow"
zoneinfo.ZoneInfo("Europe/Berlin")
capath = ssl.get_default_verify_paths().capath
assert capath and len(os.listdir(capath)) > 50, capath
tempfile.TemporaryFile().close()
open("/var/lib/winnow/written", "w").close()
try:
    open("/opt/written", "w")
except OSError:
    pass
else:
    raise SystemExit("anybody may write")
try:
    os.execv("/bin/sh", ["sh", "-c", "true"])
except FileNotFoundError:
    print("no shell")
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root made of a virtual environment with nothing in it."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "opt"], check=True, timeout=60)
    (folder / "opt" / "marker").touch()
    made = [folder / "opt" / "bin" / "python3", SCRIPT, folder / "opt", folder / "root"]
    subprocess.run(made, check=True, timeout=120, capture_output=True)
    return folder


def test_python_runs_in_it_without_rights_and_finds_no_shell(root: Path) -> None:
    """As the image's user: modules with libraries of the system, certificates, time zones, a place to write."""
    program = root / "opt" / "bin" / "python3"
    ran = subprocess.run(
        ["/usr/sbin/chroot", f"--userspec={UID}:{UID}", root / "root", program, "-I", "-c", WORKS],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    assert (ran.returncode, ran.stdout) == (0, "no shell\n"), ran.stderr


def test_programs_are_python_and_libraries_alone(root: Path) -> None:
    """Of all files in the format of programs only interpreter and loader are no library; none gives rights away."""
    found = [Path(folder) / name for folder, _, names in os.walk(root / "root") for name in names]
    modes = {path: path.lstat().st_mode for path in found}
    assert not [path for path, mode in modes.items() if mode & (stat.S_ISUID | stat.S_ISGID)]
    programs = [
        path.name for path, mode in modes.items() if stat.S_ISREG(mode) and ".so" not in path.name and is_elf(path)
    ]
    assert programs
    assert [name for name in programs if not name.startswith(("python3", "ld-"))] == []


def is_elf(path: Path) -> bool:
    """Return whether it is a program or library in the system's own format."""
    with path.open("rb") as content:
        return content.read(4) == b"\x7fELF"
