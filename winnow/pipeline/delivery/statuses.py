"""Retained states of the node and its cameras: kept here, so that each connection says them again."""

from threading import Lock
from typing import Final

from winnow.events.mqtt import MqttMessage
from winnow.events.status import CameraStatus, NodeStatus, Status, encode_status
from winnow.events.topics import camera_status_topic, node_status_topic

_CONTENT_TYPE: Final = "application/json"


class Statuses:
    """The states that the broker is to hold, and those of them that it was not told yet."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._lock = Lock()
        self._current: dict[str, MqttMessage] = {}
        self._untold: dict[str, MqttMessage] = {}

    def set_node(self, status: NodeStatus) -> None:
        """Tell this state of the node next."""
        self._set(node_status_message(self._node, status))

    def set_camera(self, camera: str, status: CameraStatus) -> None:
        """Tell this state of a camera next."""
        self._set(_status_message(camera_status_topic(self._node, camera), status))

    def tell_all_again(self) -> None:
        """Tell every state once more: the broker may have forgotten them."""
        with self._lock:
            self._untold = dict(self._current)

    def take(self, limit: int) -> list[MqttMessage]:
        """Return up to `limit` states that are to be published now, in the order in which they were first set."""
        with self._lock:
            topics = list(self._untold)[: max(0, limit)]
            return [self._untold.pop(topic) for topic in topics]

    def _set(self, message: MqttMessage) -> None:
        with self._lock:
            self._current[message.topic] = self._untold[message.topic] = message


def node_status_message(node: str, status: NodeStatus) -> MqttMessage:
    """Return the PUBLISH that tells a node's state, also as its last will."""
    return _status_message(node_status_topic(node), status)


def _status_message(topic: str, status: Status) -> MqttMessage:
    return MqttMessage(topic=topic, payload=encode_status(status), content_type=_CONTENT_TYPE, user_properties=())
