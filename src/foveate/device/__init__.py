"""The endpoint with the camera: a session without I/O and its live shell. No torch."""

from foveate.device.camera import Clip
from foveate.device.events import Connected, DeviceEvent, Displayed, EncodeWork, OffloadDone, Send
from foveate.device.live import LiveDevice, LiveRun, run_live
from foveate.device.recorder import Recorder
from foveate.device.session import DeviceSession

__all__ = [
    "Clip",
    "Connected",
    "DeviceEvent",
    "DeviceSession",
    "Displayed",
    "EncodeWork",
    "LiveDevice",
    "LiveRun",
    "OffloadDone",
    "Recorder",
    "Send",
    "run_live",
]
