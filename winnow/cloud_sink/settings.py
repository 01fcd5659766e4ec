"""What a sink is told: which Kafka, which database, which addresses."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from winnow.cloud_sink.store import DEFAULT_LATENESS_S, StoreUnusableError
from winnow.cloud_sink.store.opening import parse_store_url
from winnow.runtime.kafka import KafkaSettings
from winnow.runtime.settings import Settings, SettingsPath
from winnow.runtime.tls import TlsSettings


def check_store_url(url: str) -> str:
    """Return `url` if it names a store and carries no password.

    Raises:
        ValueError: it does not; the message says what to write.
    """
    try:
        parts = parse_store_url(url)
    except StoreUnusableError as exc:
        raise ValueError(str(exc)) from exc
    if parts.password or {"password", "sslpassword"} & set(parts.query):
        raise ValueError("no password in the URL: use password_file, PGPASSFILE or PGPASSWORD")
    return url


class StoreSettings(Settings):
    """Which database, and how to log in.

    Attributes:
        url: `sqlite:///PATH` or `postgresql://[USER@]HOST[:PORT]/DATABASE`. What the URL leaves open comes from
            PostgreSQL's own environment variables (`PGPASSFILE`, `PGSSLMODE`, `PGSSLROOTCERT`, …).
        password_file: a file that holds PostgreSQL's password alone.
        tls: how PostgreSQL is reached over TLS, its name and chain verified; absent: as the URL's `sslmode` says, or
            as libpq thinks best, which does not verify who answers.
    """

    url: Annotated[str, AfterValidator(check_store_url)] = "sqlite:///winnow.db"
    password_file: SettingsPath | None = None
    tls: TlsSettings | None = None

    @model_validator(mode="after")
    def _check_tls_said_once(self) -> "StoreSettings":
        if self.tls is not None:
            parts = parse_store_url(self.url)
            if parts.drivername != "postgresql":
                raise ValueError("tls is for PostgreSQL")
            if said := sorted(name for name in parts.query if name.startswith("ssl")):
                raise ValueError(f"say it once: {', '.join(said)} in the URL, or tls")
        return self


class PageTlsSettings(Settings):
    """What makes the page's http into https.

    Attributes:
        certificate_file: the certificate chain (PEM).
        key_file: its key (PEM).
    """

    certificate_file: SettingsPath
    key_file: SettingsPath


class PageSettings(Settings):
    """Where the web page is served.

    Attributes:
        host: loopback, unless others shall log in from elsewhere; then with `tls`, or behind a proxy that has it.
        port: 0 picks a free one.
        tls: certificate and key for https.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    tls: PageTlsSettings | None = None


class MetricsSettings(Settings):
    """Where `/metrics` and `/healthz` are served.

    Attributes:
        host: loopback, unless somebody else shall read along.
        port: 0 picks a free one.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=9466, ge=0, le=65535)


class SinkSettings(Settings):
    """Everything a sink is told.

    Attributes:
        kafka: where records come from.
        group: sinks of one group share the partitions and must share the database.
        member: names this sink within its group, so that it goes on at once when it was killed and is started again;
            without a name, Kafka first waits 6 s for the one that was killed. Two sinks of one name shut each other
            out.
        store: where records go.
        http: the web page; absent: none is served.
        lateness_s: how long a missing sequence may be on its way before it is an alarm.
        batch_records: most records that one transaction takes.
        metrics: where metrics and health are served.
    """

    kafka: KafkaSettings = KafkaSettings()
    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] = "winnow-sink"
    member: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    store: StoreSettings = StoreSettings()
    http: PageSettings | None = None
    lateness_s: float = Field(default=DEFAULT_LATENESS_S, ge=1, le=7 * 24 * 3600)
    batch_records: int = Field(default=500, ge=1, le=5000)
    metrics: MetricsSettings = MetricsSettings()
