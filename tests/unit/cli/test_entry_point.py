"""What `winnow` does before a command has begun."""

import subprocess
import sys
from typing import Final

INTERRUPTED: Final = """
import builtins
from winnow.cli.__main__ import main

whole = builtins.__import__

def interrupted(name, *args):
    if name == "winnow.cli.root":
        raise KeyboardInterrupt
    return whole(name, *args)

builtins.__import__ = interrupted
main()
"""


def test_interrupt_during_the_first_imports_is_no_traceback() -> None:
    """Somebody who changes his mind within half a second sees nothing, and a shell sees that it was Ctrl-C."""
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, check=False, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
