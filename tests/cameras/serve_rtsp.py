"""Serve recordings as cameras with GStreamer's RTSP server; run by Debian's Python, which has its bindings.

    serve_rtsp.py PORT PATH=PAYLOADER=FILE …

PORT 0 picks a free one, and the first line of output says which. Each PATH plays its Matroska FILE at its own pace,
from the start for each client that connects. With `RTSP_USER` and `RTSP_PASSWORD` in the environment every path asks
for them by digest; with `RTP_LOSS`, that share of the RTP packets is lost. The server ends when its standard input
does.
"""

import os
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - after the versions

ROLE = "viewer"


def make_server(port: str, mounts: list[str]) -> GstRtspServer.RTSPServer:
    """Return a server on the loopback interface that serves every mount."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    user, password = os.environ.get("RTSP_USER"), os.environ.get("RTSP_PASSWORD")
    if user and password:
        server.set_auth(ask_for(user, password))
    for mount in mounts:
        path, payloader, file = mount.split("=", 2)
        factory = GstRtspServer.RTSPMediaFactory()
        loss = os.environ.get("RTP_LOSS")
        pay = f"{payloader} pt=96 mtu=600 ! identity drop-probability={loss}" if loss else f"{payloader} pt=96"
        factory.set_launch(f'( filesrc location="{file}" ! matroskademux ! queue ! {pay} name=pay0 )')
        if user and password:
            factory.add_role_from_structure(role())
        server.get_mount_points().add_factory(path, factory)
    return server


def ask_for(user: str, password: str) -> GstRtspServer.RTSPAuth:
    """Return what lets nobody in without this login, checked by digest."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.add_digest(user, password, token)
    return auth


def role() -> Gst.Structure:
    """Return what a known viewer may do."""
    allowed, _ = Gst.Structure.from_string(f"{ROLE},media.factory.access=true,media.factory.construct=true")
    return allowed


def main() -> None:
    """Serve until the standard input ends."""
    Gst.init(None)
    loop = GLib.MainLoop()
    server = make_server(sys.argv[1], sys.argv[2:])
    if server.attach(None) == 0:
        sys.exit(f"port {sys.argv[1]} cannot be used")
    print(server.get_bound_port(), flush=True)  # noqa: T201 - the only way to tell whoever started it

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=wait_for_end, daemon=True).start()
    loop.run()


main()
