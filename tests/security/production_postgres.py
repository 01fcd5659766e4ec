"""A real PostgreSQL with the production files of `deploy/postgresql/`, only paths, address and port put in."""

import os
import shutil
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from scripts.services.postgres import USER, PostgresServer

DEPLOY: Final = Path(__file__).parents[2] / "deploy" / "postgresql"
INSTALLED: Final = "/etc/postgresql/winnow"
ADMINISTRATOR: Final = "local     all       postgres                peer"
ADDRESSES: Final = "127.0.0.1,127.0.0.2"
"""The second one is none that the server's certificate names."""
DATABASE: Final = "winnow"
SINK: Final = "sink"


class ProductionPostgres(PostgresServer):
    """PostgreSQL as docs/security.md sets it up, with the sink's login and database.

    Args:
        authority: the authority's folder; the server certificate is that of `localhost`.
        password: the sink's.

    Raises:
        ServerMissing: there are no PostgreSQL server programs.
    """

    def __init__(self, authority: Path, password: str) -> None:
        self._authority = authority
        self._password = password
        super().__init__()

    def prepare(self) -> None:
        """Create the cluster, and install files and certificates as a person would."""
        super().prepare()
        files = self.root / "winnow"
        files.mkdir(exist_ok=True)
        for name in ("certificate.pem", "key.pem"):
            shutil.copy(self._authority / "localhost" / name, files / name)
        for name in ("ca.pem", "crl.pem"):
            shutil.copy(self._authority / name, files / name)
        rules = (DEPLOY / "pg_hba.conf").read_text(encoding="utf-8")
        assert ADMINISTRATOR in rules
        # The tests are another system user than `postgres`.
        rules = rules.replace(ADMINISTRATOR, f"local all {USER} trust")
        (files / "pg_hba.conf").write_text(rules, encoding="utf-8")
        text = (DEPLOY / "winnow.conf").read_text(encoding="utf-8")
        assert INSTALLED in text
        text = text.replace(INSTALLED, str(files)).replace("addresses = '*'", f"addresses = '{ADDRESSES}'")
        further = {"port": self.port, "unix_socket_directories": files, "shared_buffers": "32MB", "max_connections": 20}
        lines = [text, *(f"{name} = '{value}'" for name, value in further.items())]
        (files / "postgresql.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if (account := self.account()) is not None:
            for path in (files, *files.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)

    def command(self) -> list[str]:
        """Return the server in the foreground, with our file for the whole of its settings."""
        return [
            str(self._binaries / "postgres"),
            *("-D", str(self.data_dir), "-c", f"config_file={self.root / 'winnow' / 'postgresql.conf'}"),
        ]

    def answers(self) -> bool:
        """Return whether an administrator gets an answer."""
        try:
            self.administrator().close()
        except psycopg.OperationalError:
            return False
        return True

    def administrator(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Return an administrator's connection, which needs no password on the machine itself."""
        return psycopg.connect(
            host=str(self.root / "winnow"), port=self.port, user=USER, dbname="postgres", autocommit=True
        )

    def create_database(self) -> None:
        """Do what `createuser --pwprompt` and `createdb --owner` do: the server never sees the password."""
        with self.administrator() as connection:
            verifier = connection.pgconn.encrypt_password(
                self._password.encode(), SINK.encode(), b"scram-sha-256"
            ).decode()
            role, name = sql.Identifier(SINK), sql.Identifier(DATABASE)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier)))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))

    def log(self) -> str:
        """Return what the server wrote."""
        return self.log_path.read_text(errors="replace")
