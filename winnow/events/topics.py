"""Every MQTT and Kafka topic name, spelled once."""

from functools import lru_cache
from typing import Final

from winnow.events.errors import ContractError
from winnow.events.names import check_name

PREFIX: Final = "winnow/v1"


def filters_of(node: str) -> tuple[str, ...]:
    """Return what a gateway subscribes to for one node. `events/#` also matches `events`: a node's own."""
    streams = ("events/#", "thumbnails/+", "batch", "status", "cameras/+/status")
    return tuple(f"{PREFIX}/{node}/{stream}" for stream in streams)


GATEWAY_FILTERS: Final = filters_of("+")
"""What a gateway for every node subscribes to."""

KAFKA_EVENTS: Final = "winnow.events"
KAFKA_THUMBNAILS: Final = "winnow.thumbnails"
KAFKA_STATUS: Final = "winnow.status"
KAFKA_DEADLETTER: Final = "winnow.deadletter"
KAFKA_TOPICS: Final = (KAFKA_EVENTS, KAFKA_THUMBNAILS, KAFKA_STATUS, KAFKA_DEADLETTER)


def events_topic(node: str, camera: str | None) -> str:
    """Return where a camera's events go, or the node's own if `camera` is None."""
    return f"{PREFIX}/{node}/events" if camera is None else f"{PREFIX}/{node}/events/{camera}"


def thumbnails_topic(node: str, camera: str) -> str:
    """Return where a camera's thumbnails go."""
    return f"{PREFIX}/{node}/thumbnails/{camera}"


def batch_topic(node: str) -> str:
    """Return where a node's batches go."""
    return f"{PREFIX}/{node}/batch"


def node_status_topic(node: str) -> str:
    """Return where a node's retained status and last will go."""
    return f"{PREFIX}/{node}/status"


def camera_status_topic(node: str, camera: str) -> str:
    """Return where a camera's retained status goes."""
    return f"{PREFIX}/{node}/cameras/{camera}/status"


def receipts_topic(node: str) -> str:
    """Return where a node's receipts come from."""
    return f"{PREFIX}/{node}/receipts"


def commands_topic(node: str) -> str:
    """Return where a node's commands come from."""
    return f"{PREFIX}/{node}/commands"


@lru_cache(maxsize=8192)
def parse_upward_topic(topic: str) -> tuple[str, str, str | None]:
    """Return node, stream (`events`, `thumbnails`, `batch`, `status`) and camera (None for the node itself).

    Raises:
        ContractError: no edge box may write there.
    """
    match topic.removeprefix(f"{PREFIX}/").split("/") if topic.startswith(f"{PREFIX}/") else []:
        case [node, ("events" | "batch" | "status") as stream]:
            return check_name(node), stream, None
        case [node, ("events" | "thumbnails") as stream, camera]:
            return check_name(node), stream, check_name(camera)
        case [node, "cameras", camera, "status"]:
            return check_name(node), "status", check_name(camera)
    raise ContractError("topic", f"topic {topic[:120]!r} is not one of winnow/v1/NODE/…")


def record_key(node: str, camera: str | None) -> str:
    """Return the Kafka key: one camera's events stay in order."""
    return node if camera is None else f"{node}/{camera}"
