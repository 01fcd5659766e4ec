"""Bare decoding of a file with PyAV, one thread: `decode CLIP`."""

import sys

import av

from benchmarks.harness.cost import costing


def main() -> None:
    """Decode every frame and drop it."""
    said = {"frames": 0}
    with costing(said), av.open(sys.argv[1]) as container:
        container.streams.video[0].thread_type = "NONE"
        container.streams.video[0].codec_context.thread_count = 1
        for _ in container.decode(video=0):
            said["frames"] += 1


if __name__ == "__main__":
    main()
