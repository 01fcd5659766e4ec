"""Collects everything that a virtual environment needs to run into a folder that can be the whole of a file system.

    python3 scripts/image_root.py VENV ROOT      as root, with the Python that has made VENV

Nothing else is in ROOT: no shell, no package manager, no setuid program. What is there: the environment at its own
path, the interpreter with its library, every shared library that one of them names, the loader, certificates, time
zones, and a user without rights. It needs the standard library alone.
"""

# ruff: noqa: S603, S607, T201 - the builder's own programs; a person reads what is said

import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

USER, UID = "winnow", 10001
HOME = Path("/var/lib/winnow")
FILES = {
    "etc/passwd": f"root:x:0:0:root:/:/nonexistent\n{USER}:x:{UID}:{UID}:Winnow:{HOME}:/nonexistent\n",
    "etc/group": f"root:x:0:\n{USER}:x:{UID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
CERTIFICATES = ssl.get_default_verify_paths()
SYSTEM = (
    Path(CERTIFICATES.openssl_cafile),
    Path(CERTIFICATES.openssl_capath),
    Path("/usr/share/zoneinfo"),
    Path("/etc/mime.types"),
)
"""Certificates as OpenSSL looks for them, time zones, types of files: copied where the system has them."""
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "site-packages", "test", "idlelib", "ensurepip", "tkinter", "turtledemo", "lib2to3", "config-3*"
)
"""Parts of Python's library that no service needs: its tests, its editor, pip."""
_NAMED = re.compile(r"(?:=> )?(/\S+) \(0x")


def main(venv: Path, root: Path) -> None:
    """Fill `root`."""
    root.mkdir(parents=True)
    library = Path(sysconfig.get_path("stdlib"))
    _copy_tree(library, root, LEFT_OUT)
    _copy_tree(venv, root, shutil.ignore_patterns("__pycache__"))
    for program in {
        Path(sys.executable),
        Path(sys.base_prefix) / "bin" / "python3",
        Path(os.path.realpath(sys.executable)),
    }:
        _copy_with_links(program, root)
    for path in SYSTEM:
        if path.is_dir():
            shutil.copytree(path, root / path.relative_to("/"), dirs_exist_ok=True, ignore_dangling_symlinks=True)
        elif path.exists():
            _copy_with_links(path, root)
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    libraries = _add_libraries(root)
    (root / HOME.relative_to("/")).mkdir(parents=True, exist_ok=True)
    (root / HOME.relative_to("/") / ".keep").touch()  # some builders do not copy an empty directory
    for folder, mode, owner in (("tmp", 0o1777, 0), ("etc/winnow", 0o755, 0), (str(HOME)[1:], 0o700, UID)):
        path = root / folder
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        os.chown(path, owner, owner)
    print(f"{root}: {libraries} shared libraries of the system beside Python and {venv}")


def _copy_tree(source: Path, root: Path, ignore: object = None) -> None:
    target = root / source.relative_to("/")
    shutil.copytree(source, target, symlinks=True, ignore=ignore, dirs_exist_ok=True)  # type: ignore[arg-type]


def _copy_with_links(path: Path, root: Path) -> None:
    """Copy a file under its name, and what the name points to, step by step."""
    while True:
        real_folder = path.parent.resolve()
        target = root / path.relative_to("/")
        _make_folder(path.parent, root)
        if not target.exists() and not target.is_symlink():
            shutil.copy2(path, target, follow_symlinks=False)
        if not path.is_symlink():
            return
        path = real_folder / path.readlink()


def _make_folder(folder: Path, root: Path) -> None:
    """Make a folder as the system has it: `/lib` may be a link to `usr/lib`."""
    for part in [*reversed(folder.parents[:-1]), folder]:
        target = root / part.relative_to("/")
        if part.is_symlink() and not target.is_symlink() and not target.exists():
            target.symlink_to(part.readlink())
            _make_folder(part.parent / part.readlink(), root)
        else:
            target.mkdir(exist_ok=True)


def _add_libraries(root: Path) -> int:
    """Copy every shared library that a program or library in `root` needs; return how many there are."""
    added: set[Path] = set()
    for program in list(_programs(root)):
        told = subprocess.run(["ldd", f"/{program.relative_to(root)}"], capture_output=True, text=True, check=False)
        for name in _NAMED.findall(told.stdout):
            path = Path(os.path.normpath(name))
            if path not in added and not (root / path.relative_to("/")).exists():
                _copy_with_links(path, root)
                added.add(path)
    return len(added)


def _programs(root: Path) -> Iterator[Path]:
    """Give every file in the format of programs and libraries (ELF)."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if path.is_symlink() or path.suffix in {".py", ".pyc", ".txt", ".json"}:
                continue
            with path.open("rb") as content:
                if content.read(4) == b"\x7fELF":
                    yield path


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
