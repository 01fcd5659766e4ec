"""Carries out `winnow spool`."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from winnow.cli.console import error_console, fail
from winnow.pipeline.delivery import SpoolError
from winnow.pipeline.delivery.key_file import KeyFileError, rotate_keys
from winnow.pipeline.delivery.sealed_rows import key_ids_in_use
from winnow.pipeline.delivery.sealing import SpoolKey
from winnow.pipeline.delivery.spool_file import lock_spool
from winnow.pipeline.settings import EdgeSettings
from winnow.runtime.settings import SettingsError, load_settings


def run_rotate_key(config: Path | None, key_file: Path | None) -> None:
    """Put a new key first; ends the command if that cannot be."""
    if (config is None) == (key_file is None):
        fail("give -c with the settings of the edge, or --key-file")
    try:
        if config is None:
            path, keys = key_file, rotate_keys(Path(str(key_file)), lambda _: True)
        else:
            settings = load_settings(config, EdgeSettings).spool
            path = settings.key_file
            if path is None:
                fail("the settings name no spool.key_file; name one, or rotate a credential's source with --key-file")
            keys = _rotate(path, settings.path)
    except (KeyFileError, SettingsError, SpoolError) as exc:
        fail(str(exc))
    told = error_console()
    told.print(f"{path}: key {keys[0].id.hex()} seals from the next start of the edge on.", soft_wrap=True)
    if keys[1:]:
        told.print(f"It still opens with {', '.join(key.id.hex() for key in keys[1:])}.", soft_wrap=True)
    told.print("Keep a copy of the file elsewhere: without it, nobody can read what waits.", soft_wrap=True)


def _rotate(path: Path, spool: Path) -> list[SpoolKey]:
    """Rotate, and drop keys that nothing waits for, if no edge runs that may still seal with one of them."""
    if not spool.exists():
        return rotate_keys(path, lambda _: True)
    try:
        lock = lock_spool(spool)
    except SpoolError:
        return rotate_keys(path, lambda _: True)
    with closing(lock):
        return rotate_keys(path, _waited_for(spool))


def _waited_for(spool: Path) -> Callable[[SpoolKey], bool]:
    try:
        with closing(sqlite3.connect(spool)) as database:
            used = key_ids_in_use(database)
    except sqlite3.Error:
        return lambda _: True  # whoever opens the spool next finds out what is wrong with it
    return lambda key: key.id in used
