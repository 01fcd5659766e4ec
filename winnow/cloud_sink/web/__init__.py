"""The web page and the JSON behind it: what the store holds, live, in a browser."""

from winnow.cloud_sink.web.app import create_app
from winnow.cloud_sink.web.server import DEFAULT_HOST, DEFAULT_PORT, web_server

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "create_app", "web_server"]
