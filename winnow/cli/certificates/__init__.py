"""A certificate authority in a folder, for people who have none: nodes, gateways, operators, servers."""

from winnow.cli.certificates.authority import Authority
from winnow.cli.certificates.errors import PkiError
from winnow.cli.certificates.register import Entry, Role

__all__ = ["Authority", "Entry", "PkiError", "Role"]
