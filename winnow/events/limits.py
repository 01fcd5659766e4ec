"""Sizes that edge, broker, gateway and sink all hold to."""

from typing import Final

MAX_EVENT_BYTES: Final = 16 * 1024
"""Largest encoded event, envelope included."""

MAX_THUMBNAIL_BYTES: Final = 48 * 1024
"""Largest JPEG."""

MAX_THUMBNAIL_SIDE_PX: Final = 640
"""Longest side of a thumbnail."""

MAX_BATCH_BYTES: Final = 256 * 1024
"""Largest compressed batch."""

MAX_BATCH_TEXT_BYTES: Final = 1024 * 1024
"""Most JSON that a batch may unpack to."""

MAX_BATCH_MESSAGES: Final = 512
"""Most messages in a batch: what one receipt can name."""

MAX_SEQUENCE: Final = 2**31 - 1
"""CloudEvents integers are 32 bits wide; at 10 events a second this lasts 6.8 years, then the epoch changes."""

MAX_RECEIPT_SEQUENCES: Final = 512
"""Most single sequences that one receipt names."""
