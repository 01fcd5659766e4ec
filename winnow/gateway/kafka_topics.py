"""Kafka's four topics, made where they are missing."""

import logging
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from winnow.events.topics import KAFKA_EVENTS, KAFKA_STATUS, KAFKA_THUMBNAILS, KAFKA_TOPICS
from winnow.gateway.settings import TopicSettings

USUAL_REPLICAS: Final = 3
"""Two brokers may be lost without losing a record."""

_log: Final = logging.getLogger(__name__)


def new_topics(names: list[str], settings: TopicSettings, *, brokers: int) -> list[NewTopic]:
    """Return the descriptions of topics that are to be made on a cluster of `brokers`."""
    replicas = settings.replicas or min(USUAL_REPLICAS, max(1, brokers))
    return [_new_topic(name, settings, replicas) for name in names]


def _new_topic(name: str, settings: TopicSettings, replicas: int) -> NewTopic:
    # acks=all waits for the replicas that are in sync: two of them, so that "all" is never one.
    config = {"min.insync.replicas": str(min(2, replicas))}
    if name == KAFKA_STATUS:
        config["cleanup.policy"] = "compact"
    partitions = settings.partitions if name in (KAFKA_EVENTS, KAFKA_THUMBNAILS) else 1
    return NewTopic(name=name, num_partitions=partitions, replication_factor=replicas, topic_configs=config)


async def create_missing_topics(client_arguments: dict[str, Any], settings: TopicSettings) -> None:
    """Return once all four topics are there.

    Raises:
        KafkaError: the cluster cannot be asked, or refuses to make them.
    """
    admin = AIOKafkaAdminClient(**client_arguments)
    try:
        await admin.start()
        existing = await admin.list_topics()
        missing = [name for name in KAFKA_TOPICS if name not in existing]
        if missing:
            brokers = len((await admin.describe_cluster())["brokers"])
            answer = await admin.create_topics(new_topics(missing, settings, brokers=brokers))
            _check(answer.topic_errors)
            _log.info("made Kafka topics", extra={"topics": missing})
    finally:
        await admin.close()


def _check(topic_errors: list[tuple[Any, ...]]) -> None:
    for name, code, *_ in topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise KafkaError(f"topic {name} cannot be made: {error.__name__}: {error.description}")
