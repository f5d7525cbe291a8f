"""The wire: messages, transports, traces, and links shaped by them. No pickle, no models."""

from foveate.network.keys import KeyPair
from foveate.network.link import TRANSPORTS, Link, LinkSettings
from foveate.network.messages import (
    PROTOCOL_VERSION,
    Ack,
    Failure,
    FromDevice,
    FromServer,
    Hello,
    Offload,
    Part,
    PartsOffload,
    Ping,
    Pong,
    Probe,
    Probed,
    Result,
    Stranger,
    Welcome,
    decode_from_device,
    decode_from_server,
    encode,
    pack_mask,
    unpack_mask,
)
from foveate.network.outages import Outage
from foveate.network.relay import ShapedRelay
from foveate.network.security import AllowedKeys, DeviceKeys, ServerKeys
from foveate.network.trace import UplinkTrace
from foveate.network.transports import Channel, Fault, Hub, MemoryHub, ZmqChannel, ZmqHub

__all__ = [
    "PROTOCOL_VERSION",
    "TRANSPORTS",
    "Ack",
    "AllowedKeys",
    "Channel",
    "DeviceKeys",
    "Failure",
    "Fault",
    "FromDevice",
    "FromServer",
    "Hello",
    "Hub",
    "KeyPair",
    "Link",
    "LinkSettings",
    "MemoryHub",
    "Offload",
    "Outage",
    "Part",
    "PartsOffload",
    "Ping",
    "Pong",
    "Probe",
    "Probed",
    "Result",
    "ServerKeys",
    "ShapedRelay",
    "Stranger",
    "UplinkTrace",
    "Welcome",
    "ZmqChannel",
    "ZmqHub",
    "decode_from_device",
    "decode_from_server",
    "encode",
    "pack_mask",
    "unpack_mask",
]
