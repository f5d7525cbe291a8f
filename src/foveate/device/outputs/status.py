"""The line under a drawn frame."""

from foveate.device.events import Displayed


def status_line(event: Displayed) -> str:
    """Which frame it is, and how old the boxes are."""
    if event.staleness_s is None:
        return f"frame {event.frame.index}   no result yet"
    return f"frame {event.frame.index}   staleness {1000 * event.staleness_s:.0f} ms"
