#!/bin/sh
# Give Kafka its two logins and their rights: the gateway may only write, the sink may only read.
#   create-principals.sh HOST:9094 ADMIN.PROPERTIES GATEWAY-PASSWORD-FILE SINK-PASSWORD-FILE
# Kafka's tools are in /opt/kafka/bin, or in the folder KAFKA. Run it again to change a password; no password is on a
# command line.
set -eu
server=$1
admin=$2
tools=${KAFKA:-/opt/kafka/bin}
topics="--topic winnow.events --topic winnow.thumbnails --topic winnow.status --topic winnow.deadletter"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

login() {
    printf 'SCRAM-SHA-512=iterations=8192,password=%s\n' "$(cat "$2")" >"$work/login.properties"
    "$tools/kafka-configs.sh" --bootstrap-server "$server" --command-config "$admin" --alter \
        --entity-type users --entity-name "$1" --add-config-file "$work/login.properties"
}

allow() {
    "$tools/kafka-acls.sh" --bootstrap-server "$server" --command-config "$admin" --add --allow-principal "$@"
}

login gateway "$3"
login sink "$4"
# shellcheck disable=SC2086 # one word an option
allow User:gateway --operation Write --operation Describe $topics
# shellcheck disable=SC2086
allow User:sink --operation Read --operation Describe $topics --group winnow-sink
