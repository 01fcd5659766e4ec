"""What a gateway is told: where messages come from, where records go, how they are batched."""

from typing import Annotated, Final, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, model_validator

from winnow.events.names import NAME_PATTERN
from winnow.gateway.batching import BatchLimits
from winnow.runtime.kafka import KafkaSettings
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.settings import Settings

STORE_SCHEMES: Final = frozenset({"sqlite", "postgresql"})
KAFKA_SCHEME: Final = "kafka"


def _check_destination(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == KAFKA_SCHEME and parts.netloc and not parts.path and "@" not in parts.netloc:
        return url
    if parts.scheme in STORE_SCHEMES and "://" in url:
        if parts.password or {"password", "sslpassword"} & set(parse_qs(parts.query)):
            raise ValueError("no password in the URL: use PGPASSFILE or PGPASSWORD")
        return url
    raise ValueError("write kafka://HOST:PORT[,HOST:PORT…], sqlite:///FILE or postgresql://HOST/DATABASE")


class BatchSettings(Settings):
    """When a batch is closed: at the first of three limits.

    Attributes:
        max_messages: the default is all that the broker sends before it must hear of something stored.
        max_bytes: payload bytes; also the size of a Kafka batch.
        linger_ms: what a lone message waits for company.
    """

    max_messages: int = Field(default=200, ge=1, le=10_000)
    max_bytes: int = Field(default=256 * 1024, ge=1024, le=1024 * 1024)
    linger_ms: int = Field(default=20, ge=1, le=5_000)

    def limits(self) -> BatchLimits:
        """Return the limits as the batching knows them."""
        return BatchLimits(max_messages=self.max_messages, max_bytes=self.max_bytes, linger_s=self.linger_ms / 1000)


class TopicSettings(Settings):
    """How Kafka's topics are made where they are missing.

    Attributes:
        create: False leaves that to the operator.
        partitions: of events and thumbnails each; one camera's records stay in one partition.
        replicas: copies of each record; absent: three, or as many as there are brokers.
    """

    create: bool = True
    partitions: int = Field(default=6, ge=1, le=1000)
    replicas: int | None = Field(default=None, ge=1, le=32)


class KafkaOutSettings(KafkaSettings):
    """Where Kafka is, how to log in, and how to write.

    Attributes:
        topics: how missing topics are made.
        compression: of a whole batch.
        batches: what becomes of an edge's batch. `opened`: a record an event. `whole`: one record that keeps it as it
            came; the gateway is spared nearly all its work, but readers must open it, as the sink and the tail do.
        timeout_s: a batch that is not confirmed by then is stored again with a new producer.
    """

    topics: TopicSettings = TopicSettings()
    compression: Literal["zstd", "none"] = "zstd"
    batches: Literal["opened", "whole"] = "opened"
    timeout_s: float = Field(default=20.0, ge=1, le=300)


class MetricsSettings(Settings):
    """Where `/metrics` and `/healthz` are served.

    Attributes:
        host: loopback, unless somebody else shall read along.
        port: 0 picks a free one.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=9465, ge=0, le=65535)


class GatewaySettings(Settings):
    """Everything a gateway is told.

    Attributes:
        mqtt: the broker.
        client_id: the broker keeps the session under this name; two running gateways need two names.
        nodes: whose messages this gateway takes; empty: everybody's. Gateways side by side each name their own nodes;
            one whose list changes needs a new client_id too, as the broker keeps what a session subscribed to.
        destination: `kafka://HOST:PORT[,HOST:PORT…]`, `sqlite:///FILE` or `postgresql://HOST/DATABASE`.
        kafka: instead of `destination`, for a Kafka that asks for a login or for TLS.
        batch: when a batch is closed.
        in_flight: most messages that the broker sends ahead of their acknowledgement; our mosquitto.conf allows 200. Of
            their payloads at most 16 MiB wait in memory, the others in the socket.
        metrics: where metrics and health are served.
    """

    mqtt: MqttSettings = MqttSettings()
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "winnow-gateway"
    nodes: tuple[Annotated[str, Field(pattern=NAME_PATTERN)], ...] = ()
    destination: Annotated[str, AfterValidator(_check_destination)] | None = None
    kafka: KafkaOutSettings | None = None
    batch: BatchSettings = BatchSettings()
    in_flight: int = Field(default=200, ge=1, le=10_000)
    metrics: MetricsSettings = MetricsSettings()

    @model_validator(mode="after")
    def _check_one_destination(self) -> "GatewaySettings":
        if (self.destination is None) == (self.kafka is None):
            raise ValueError("name one of destination and kafka: where the records go")
        return self

    @property
    def opens_batches(self) -> bool:
        """Whether the messages of a batch become records of their own; a store always wants them so."""
        return self.kafka is None or self.kafka.batches == "opened"

    @property
    def kafka_settings(self) -> KafkaOutSettings | None:
        """Return how to write to Kafka, None if the destination is a store."""
        if self.kafka is not None or self.destination is None:
            return self.kafka
        parts = urlsplit(self.destination)
        return KafkaOutSettings(bootstrap_servers=parts.netloc) if parts.scheme == KAFKA_SCHEME else None
