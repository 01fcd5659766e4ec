"""Real faults inside a decoder's own process, at a moment that the test chooses.

The process imports `sitecustomize` from a folder of the test, which makes the next packet of one address do the damage.
"""

from pathlib import Path
from typing import Final, Literal

import pytest

Fault = Literal["spin", "spin_with_the_lock", "leak"]

_PLANT: Final = """
import os, re, time
from winnow.pipeline.decoder import order, reader

FOLDER = {folder!r}
whole = reader.PictureReader._decode
decode_order = order.DecoderOrder.decode.__func__
mine, leaking, leaked = "", False, []

def noted(cls, sent):
    global mine
    told = decode_order(cls, sent)
    mine = told.address
    return told

def faulty(self, packet):
    global leaking
    pictures = whole(self, packet)
    path = os.path.join(FOLDER, "fault")
    if os.path.exists(path):
        fault, address = open(path).read().split(" ", 1)
        if address == mine:
            os.unlink(path)
            if fault == "spin":
                while True:
                    pass
            if fault == "spin_with_the_lock":
                re.match("(a+)+$", "a" * 60 + "b")
            leaking = True
    if leaking:
        leaked.append(bytearray(8 * 1024 * 1024))
    return pictures

reader.PictureReader._decode = faulty
order.DecoderOrder.decode = classmethod(noted)
"""


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every decoder that starts from now on be one in which a fault can be planted."""
    (folder / "sitecustomize.py").write_text(_PLANT.format(folder=str(folder)))
    monkeypatch.syspath_prepend(str(folder))


def plant(folder: Path, fault: Fault, address: str) -> None:
    """Let the decoder of that address go wrong at its next packet, once."""
    (folder / "fault.new").write_text(f"{fault} {address}")
    (folder / "fault.new").rename(folder / "fault")
