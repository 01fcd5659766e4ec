"""Where the keys of the spool come from: a file, or a credential of the service manager."""

import os
from collections.abc import Mapping
from pathlib import Path

from winnow.pipeline.delivery.key_file import KeyFileError, read_keys
from winnow.pipeline.delivery.sealing import ReadableRows, Rows, SealedRows
from winnow.pipeline.settings import SpoolSettings


def spool_rows(settings: SpoolSettings, environ: Mapping[str, str] = os.environ) -> Rows:
    """Return how the spool's rows are written: sealed where the settings name a key.

    Raises:
        KeyFileError: the key cannot be used.
    """
    path = key_path(settings, environ)
    return ReadableRows() if path is None else SealedRows(read_keys(path))


def key_path(settings: SpoolSettings, environ: Mapping[str, str]) -> Path | None:
    """Return the file with the keys, None where nothing is sealed.

    Raises:
        KeyFileError: a credential is asked for, and no service manager gave any.
    """
    if settings.key_credential is None:
        return settings.key_file
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise KeyFileError(
            f"spool.key_credential {settings.key_credential}: CREDENTIALS_DIRECTORY is not set; "
            "start the edge as a service with LoadCredential=, or give spool.key_file"
        )
    return Path(folder) / settings.key_credential
