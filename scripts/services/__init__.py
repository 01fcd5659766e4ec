"""Real Mosquitto, Apache Kafka and PostgreSQL on loopback, for tests and for people, without Docker."""

from scripts.services.errors import ServerDidNotStart, ServerError, ServerMissing
from scripts.services.kafka import KafkaServer
from scripts.services.librdkafka import LibrdkafkaServer
from scripts.services.local_server import LocalServer, free_port
from scripts.services.mosquitto import MosquittoServer
from scripts.services.postgres import PostgresServer

__all__ = [
    "KafkaServer",
    "LibrdkafkaServer",
    "LocalServer",
    "MosquittoServer",
    "PostgresServer",
    "ServerDidNotStart",
    "ServerError",
    "ServerMissing",
    "free_port",
]
