"""Ways for messages to travel. A device holds a `Channel` to one server, a server a `Hub` of many devices."""

from foveate.network.transports._base import Channel, Hub
from foveate.network.transports.memory import MemoryHub
from foveate.network.transports.zmq import ZmqChannel, ZmqHub

__all__ = ["Channel", "Hub", "MemoryHub", "ZmqChannel", "ZmqHub"]
