#!/bin/sh
# Create Winnow's topics where they are missing: create-topics.sh HOST:PORT, in the image apache/kafka.
set -eu

create() {
    topic=$1
    shift
    /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$server" --create --if-not-exists --topic "$topic" "$@"
}

server=$1
create winnow.events --partitions 3
create winnow.thumbnails --partitions 3
create winnow.status --partitions 1 --config cleanup.policy=compact
create winnow.deadletter --partitions 1
