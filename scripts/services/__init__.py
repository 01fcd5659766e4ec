"""Real Mosquitto, Apache Kafka and PostgreSQL on loopback, for tests and for people, without Docker."""

from scripts.services.errors import ServerDidNotStart, ServerError, ServerMissing
from scripts.services.kafka import KafkaServer
from scripts.services.librdkafka import LibrdkafkaServer
from scripts.services.local_server import LocalServer, free_port
from scripts.services.mosquitto import MosquittoServer
from scripts.services.parts import KAFKA_KIND, REQUIRE_REAL, Origin, Part, report
from scripts.services.postgres import PostgresServer
from scripts.services.session import PartsOnDemand

__all__ = [
    "KAFKA_KIND",
    "REQUIRE_REAL",
    "KafkaServer",
    "LibrdkafkaServer",
    "LocalServer",
    "MosquittoServer",
    "Origin",
    "Part",
    "PartsOnDemand",
    "PostgresServer",
    "ServerDidNotStart",
    "ServerError",
    "ServerMissing",
    "free_port",
    "report",
]
