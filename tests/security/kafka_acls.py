"""Stands in for kafka-acls.sh as far as deploy/kafka/create-principals.sh uses it: `--add`, by a real request.

As in the original every operation is allowed on each topic, and of those only the ones that a group has on each group.
Source: https://kafka.apache.org/documentation/#security_authz_cli
"""

import argparse
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType
from confluent_kafka.admin._resource import ResourceType as Resource

GROUP_OPERATIONS = frozenset({AclOperation.READ, AclOperation.DESCRIBE, AclOperation.DELETE})


def main() -> None:
    """Add the rights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap-server", required=True)
    parser.add_argument("--command-config", required=True, type=Path)
    parser.add_argument("--add", required=True, action="store_true")
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    given = parser.parse_args()
    operations = [AclOperation[name.upper()] for name in given.operation]
    wanted = [(Resource.TOPIC, name, operation) for name in given.topic for operation in operations]
    wanted += [
        (Resource.GROUP, name, operation)
        for name in given.group
        for operation in operations
        if operation in GROUP_OPERATIONS
    ]
    bindings = [allowed(given.allow_principal, kind, name, operation) for kind, name, operation in wanted]
    admin = admin_of(given.bootstrap_server, given.command_config)
    for added in admin.create_acls(bindings).values():
        added.result(timeout=20)


def allowed(principal: str, kind: Resource, name: str, operation: AclOperation) -> AclBinding:
    """Return one right, from whatever host."""
    return AclBinding(kind, name, ResourcePatternType.LITERAL, principal, "*", operation, AclPermissionType.ALLOW)


def admin_of(server: str, properties: Path) -> AdminClient:
    """Return a client for the settings that Kafka's tools read."""
    lines = (line.partition("=") for line in properties.read_text(encoding="utf-8").splitlines() if "=" in line)
    named = {name: value for name, _, value in lines if not name.startswith("#")}
    return AdminClient(
        {
            "bootstrap.servers": server,
            "security.protocol": named["security.protocol"],
            "ssl.ca.location": named["ssl.truststore.location"],
            "ssl.certificate.location": named["ssl.keystore.location"],
            "ssl.key.location": named["ssl.keystore.location"],
        }
    )


if __name__ == "__main__":
    main()
