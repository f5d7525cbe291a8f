"""Whose turn it is: clients share the engine by the tokens that they use, not by the frames that they send.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996). A frame's tag is the virtual time at which its client's
share begins: where its last frame ended, but not before what is being served. The frame with the lowest tag is next. Of
two clients that always have a frame waiting neither gets more than the other by more than one frame of each; one that
comes after a pause claims nothing for it.
"""


class Turns:
    """Virtual time, in tokens."""

    def __init__(self) -> None:
        self._now = 0
        self._ended: dict[bytes, int] = {}

    def tag(self, client: bytes) -> int:
        """The tag of a frame that arrives now."""
        return max(self._now, self._ended.get(client, 0))

    def begin(self, tag: int) -> None:
        """A frame with this tag is served next; it was the lowest that could be."""
        self._now = max(self._now, tag)

    def charge(self, client: bytes, tag: int, tokens: int) -> None:
        """A client's frame uses up its share."""
        self._ended[client] = tag + tokens

    def rest(self) -> None:
        """Nobody waits and nothing is served: all begin anew as equals."""
        self._now = max(self._now, *self._ended.values()) if self._ended else self._now
        self._ended.clear()

    def forget(self, client: bytes) -> None:
        """A client is gone."""
        self._ended.pop(client, None)
