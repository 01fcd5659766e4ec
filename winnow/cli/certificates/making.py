"""Certificates, keys and the list of the revoked ones, as values: no file, no clock.

ECDSA on P-256 with SHA-256: every TLS library of the path (OpenSSL, Java) has it, and a handshake costs an edge box
little. Serial numbers are random. Source of the extensions: RFC 5280, sections 4.2 and 5.2.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from winnow.cli.certificates.register import Entry, Role

AUTHORITY_DAYS: Final = 3650
NODE_DAYS: Final = 90
CLOCK_TOLERANCE: Final = timedelta(hours=1)
"""Certificates are valid from this long before they were made: a box that has just started may have a late clock."""

Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    """Return a fresh key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """Return the key as PKCS 8, not encrypted: a service has to start without a person."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def subject_of(name: str, role: Role) -> x509.Name:
    """Return the subject: the unit keeps two holders of one name apart where a server compares whole subjects."""
    parts = ((NameOID.COMMON_NAME, name), (NameOID.ORGANIZATIONAL_UNIT_NAME, role.value))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def authority_certificate(key: Key, name: str, now: datetime) -> x509.Certificate:
    """Return a certificate that signs itself and may sign others, but no further authority."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = _usage(signs_certificates=True)
    builder = _builder(subject, subject, key, now, now + timedelta(days=AUTHORITY_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def holder_certificate(  # noqa: PLR0913 - the fields of a certificate
    *,
    name: str,
    role: Role,
    hosts: Iterable[str],
    key: Key,
    authority: x509.Certificate,
    authority_key: Key,
    now: datetime,
    days: int,
) -> x509.Certificate:
    """Return a certificate for one node, service or server; it ends with the authority at the latest."""
    until = min(now + timedelta(days=days), authority.not_valid_after_utc)
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if role is Role.SERVER:  # a Kafka broker is the client of another one
        uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = _builder(subject_of(name, role), authority.subject, key, now, until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if names := [_general_name(host) for host in hosts]:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def revocation_list(
    entries: Iterable[Entry], *, number: int, authority: x509.Certificate, authority_key: Key, now: datetime
) -> x509.CertificateRevocationList:
    """Return the list of the revoked certificates.

    It is good for as long as the authority is: OpenSSL refuses every client once a list is out of date, and a list that
    nobody renewed in time must not lock out every node.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - CLOCK_TOLERANCE)
        .next_update(authority.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    for entry in entries:
        if entry.revoked_at is not None:
            revoked = x509.RevokedCertificateBuilder().serial_number(int(entry.serial, 16))
            builder = builder.add_revoked_certificate(revoked.revocation_date(entry.revoked_at).build())
    return builder.sign(authority_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_TOLERANCE)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
