"""What came since the loop last looked, a bounded part of it: a flood must not keep the loop from its other work."""

from collections.abc import Iterator

from foveate.network.transports import Hub

MOST_PER_TURN = 256
"""Messages that are read before the threads are seen to again, however many come."""


def drain(hub: Hub, first: tuple[bytes, bytes] | None) -> Iterator[tuple[bytes, bytes]]:
    """`first`, if any, then `(client, message)` as long as there are any, `MOST_PER_TURN` in all."""
    item, left = first, MOST_PER_TURN
    while item is not None:
        yield item
        left -= 1
        item = hub.poll(0) if left else None
