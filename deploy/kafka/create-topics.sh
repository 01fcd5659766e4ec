#!/bin/sh
# Create Winnow's topics where they are missing: create-topics.sh HOST:PORT [ADMIN.PROPERTIES], in the image apache/kafka
# or with KAFKA naming another folder with Kafka's tools.
set -eu

create() {
    topic=$1
    shift
    # shellcheck disable=SC2086 # one word an option
    "${KAFKA:-/opt/kafka/bin}/kafka-topics.sh" --bootstrap-server "$server" $login --create --if-not-exists --topic "$topic" "$@"
}

server=$1
login=${2:+--command-config $2}
create winnow.events --partitions 3
create winnow.thumbnails --partitions 3
create winnow.status --partitions 1 --config cleanup.policy=compact
create winnow.deadletter --partitions 1
