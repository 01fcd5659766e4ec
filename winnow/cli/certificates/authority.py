"""An authority in one folder.

    ca.pem            its certificate: every end of a connection gets a copy
    ca-key.pem        its key (0600): whoever has it can be anybody
    crl.pem           the revoked certificates, for the MQTT broker
    issued.json       everything that was issued (0600)
    NAME/             what the holder of NAME is given: ca.pem, certificate.pem, key.pem (0600), and for a server
                      keystore.pem (0600), key and certificate in one file as Kafka wants them

The order of writing makes a crash between two steps harmless: a certificate is in the register before anybody can have
it, so that it can always be revoked; the register says `revoked` before the list does, and the next `revoke` mends the
list. A holder's key is replaced before its certificate; a program that reads in between finds that they do not match,
and keeps what it has.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from winnow.cli.certificates.errors import PkiError
from winnow.cli.certificates.files import PUBLIC, SECRET, make_folder, read_file, write_file
from winnow.cli.certificates.making import (
    NODE_DAYS,
    Key,
    authority_certificate,
    holder_certificate,
    key_pem,
    new_key,
    revocation_list,
)
from winnow.cli.certificates.register import Entry, Role, read_register, write_register
from winnow.events.errors import ContractError
from winnow.events.names import check_name

CA: Final = "ca.pem"
CA_KEY: Final = "ca-key.pem"
CRL: Final = "crl.pem"
REGISTER: Final = "issued.json"
CERTIFICATE: Final = "certificate.pem"
KEY: Final = "key.pem"
KEYSTORE: Final = "keystore.pem"

_SERVICE_NAME: Final = re.compile(r"(gateway|operator|sink)(-[a-z0-9-]+)?")
"""Names that the broker's access rules give more rights than to a node."""
_SERVER_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


class Authority:
    """Issues, renews and revokes.

    Args:
        folder: where everything is.

    Raises:
        PkiError: there is no authority in this folder, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ca, key = read_file(folder / CA), read_file(folder / CA_KEY)
        try:
            self._certificate = x509.load_pem_x509_certificate(ca)
            self._key = _elliptic(load_pem_private_key(key, password=None))
        except ValueError as exc:
            raise PkiError(f"{folder}: {CA} or {CA_KEY} is damaged; restore the folder from a backup") from exc

    @classmethod
    def create(cls, folder: Path, name: str, now: datetime) -> "Authority":
        """Make an authority.

        Raises:
            PkiError: there is one already, or the folder cannot be written.
        """
        for taken in (CA, CA_KEY, CRL, REGISTER):
            if (folder / taken).exists():
                raise PkiError(f"{folder / taken} exists and is not overwritten; choose another --dir")
        make_folder(folder)
        key = new_key()
        write_file(folder / CA_KEY, key_pem(key), SECRET)
        write_register(folder / REGISTER, [])
        write_file(folder / CA, _pem(authority_certificate(key, name, now)), PUBLIC)
        authority = cls(folder)
        authority._write_revocations([], now)
        return authority

    @property
    def not_after(self) -> datetime:
        """Return when the authority itself ends."""
        return self._certificate.not_valid_after_utc

    def entries(self) -> list[Entry]:
        """Return everything that was issued, oldest first."""
        return read_register(self._folder / REGISTER)

    def current(self) -> list[Entry]:
        """Return the newest certificate of each name, by name."""
        newest = {entry.name: entry for entry in self.entries()}
        return [newest[name] for name in sorted(newest)]

    def files_of(self, entry: Entry) -> list[Path]:
        """Return the files that the holder of a certificate is given."""
        names = (CA, CERTIFICATE, KEY, *((KEYSTORE,) if entry.role is Role.SERVER else ()))
        return [self._folder / entry.name / name for name in names]

    def issue(  # noqa: PLR0913 - what a certificate says
        self,
        name: str,
        role: Role,
        now: datetime,
        *,
        hosts: Sequence[str] = (),
        days: int = NODE_DAYS,
        replace_files: bool = False,
    ) -> Entry:
        """Make a key and a certificate for a new name.

        Raises:
            PkiError: the name is not allowed or taken, or files would be overwritten without `replace_files`.
        """
        _check_name(name, role)
        former = {entry.name: entry for entry in self.entries()}.get(name)
        if former is not None and former.role is not role:
            raise PkiError(f"{name} is a {former.role} already; one name is one holder")
        if (self._folder / name).exists() and not replace_files:
            raise PkiError(
                f"{self._folder / name} exists and is not overwritten; `winnow pki renew {name}` gives it a new "
                "certificate, --replace a new key as well"
            )
        return self._make(name, role, tuple(hosts), new_key(), now, days)

    def renew(self, name: str, now: datetime, *, days: int = NODE_DAYS, with_new_key: bool = False) -> Entry:
        """Make a new certificate for the same holder; the former one stays good until it expires.

        Raises:
            PkiError: there is no such name, or it was revoked.
        """
        former = self._newest(name)
        if former.revoked_at is not None:
            raise PkiError(f"{name} was revoked; `winnow pki {former.role} {name} --replace` lets it in again")
        path = self._folder / name / KEY
        key = new_key() if with_new_key else _elliptic(load_pem_private_key(read_file(path), password=None))
        return self._make(name, former.role, former.hosts, key, now, days)

    def revoke(self, name: str, now: datetime) -> list[Entry]:
        """Withdraw every certificate of a name that has not expired, and write the list anew; return what it was.

        Raises:
            PkiError: there is no such name.
        """
        self._newest(name)
        entries = self.entries()
        withdrawn = [entry for entry in entries if entry.name == name and entry.state(now) == "valid"]
        entries = [replace(entry, revoked_at=now) if entry in withdrawn else entry for entry in entries]
        write_register(self._folder / REGISTER, entries)
        self._write_revocations(entries, now)
        return withdrawn

    def _make(  # noqa: PLR0913, PLR0917 - what a certificate says
        self, name: str, role: Role, hosts: tuple[str, ...], key: Key, now: datetime, days: int
    ) -> Entry:
        certificate = holder_certificate(
            name=name,
            role=role,
            hosts=hosts,
            key=key,
            authority=self._certificate,
            authority_key=self._key,
            now=now,
            days=days,
        )
        entry = Entry(
            name=name,
            role=role,
            serial=f"{certificate.serial_number:x}",
            hosts=hosts,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
        write_register(self._folder / REGISTER, [*self.entries(), entry])
        folder = self._folder / name
        make_folder(folder)
        write_file(folder / CA, _pem(self._certificate), PUBLIC)
        write_file(folder / KEY, key_pem(key), SECRET)
        write_file(folder / CERTIFICATE, _pem(certificate), PUBLIC)
        if role is Role.SERVER:
            write_file(folder / KEYSTORE, key_pem(key) + _pem(certificate), SECRET)
        return entry

    def _newest(self, name: str) -> Entry:
        found = {entry.name: entry for entry in self.entries()}.get(name)
        if found is None:
            raise PkiError(f"{name}: nothing was issued under this name; `winnow pki list` shows what was")
        return found

    def _write_revocations(self, entries: list[Entry], now: datetime) -> None:
        number = 1 + sum(entry.revoked_at is not None for entry in entries)
        crl = revocation_list(entries, number=number, authority=self._certificate, authority_key=self._key, now=now)
        write_file(self._folder / CRL, crl.public_bytes(Encoding.PEM), PUBLIC)


def _check_name(name: str, role: Role) -> None:
    """A node is never called what the access rules call a service, nor the other way round.

    Raises:
        PkiError: the name does not suit the role.
    """
    if role is Role.SERVER:
        if not _SERVER_NAME.fullmatch(name) or _SERVICE_NAME.fullmatch(name):
            raise PkiError(f"{name[:80]!r} is no server's name: use a-z, 0-9, - and dots, for example mqtt.example.com")
        return
    try:
        check_name(name)
    except ContractError as exc:
        raise PkiError(str(exc)) from exc
    service = _SERVICE_NAME.fullmatch(name)
    if role is Role.NODE and service:
        raise PkiError(f"{name}: a node may not be called so, because the broker gives a {service[1]} more rights")
    if role is not Role.NODE and (service is None or service[1] != role.value):
        raise PkiError(f"{name}: a {role} is called {role}, or {role}-SOMETHING")


def _elliptic(key: object) -> Key:
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PkiError("the key is not one that `winnow pki` has made")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
