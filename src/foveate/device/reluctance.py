"""A server that is too busy for a frame is left alone for a while: the next one at once would be refused as well."""

from foveate.device.backoff import Backoff


class Reluctance:
    """When a device may offload again; without refusals, always. `now` is the device's clock."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self.until: float | None = None
        """When the wait is over, seconds; None = there is none."""

    def busy(self, now: float) -> None:
        """The server refused a frame because too many wait: wait, longer each time, at most a second."""
        self.until = now + self._backoff.next_s(refused=False)

    def landed(self) -> None:
        """A result came: the next refusal is the first again."""
        self._backoff.reset()

    def forget(self) -> None:
        """The server is another one, or was started again."""
        self.until = None
        self._backoff.reset()

    def over(self, now: float) -> bool:
        """Whether a wait ends now; told once."""
        if self.until is None or now < self.until:
            return False
        self.until = None
        return True
