"""Ways for messages to travel. A device holds a `Channel` to one server, a server a `Hub` of many devices."""

from foveate.network.transports._base import Channel, Fault, Hub
from foveate.network.transports.memory import MemoryHub
from foveate.network.transports.zmq_channel import ZmqChannel
from foveate.network.transports.zmq_hub import ZmqHub

__all__ = ["Channel", "Fault", "Hub", "MemoryHub", "ZmqChannel", "ZmqHub"]
