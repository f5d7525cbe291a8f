"""The endpoint with the camera: a session without I/O and its live shell. No torch."""

from foveate.device.camera import Clip
from foveate.device.events import (
    Connected,
    DecideWork,
    DeviceEvent,
    Displayed,
    EncodeWork,
    MotionWork,
    OffloadDone,
    Seen,
    Send,
    Tracked,
    TrackWork,
)
from foveate.device.live import LiveDevice, LiveRun, run_live
from foveate.device.perception import Perception
from foveate.device.recorder import Recorder
from foveate.device.session import DeviceSession

__all__ = [
    "Clip",
    "Connected",
    "DecideWork",
    "DeviceEvent",
    "DeviceSession",
    "Displayed",
    "EncodeWork",
    "LiveDevice",
    "LiveRun",
    "MotionWork",
    "OffloadDone",
    "Perception",
    "Recorder",
    "Seen",
    "Send",
    "TrackWork",
    "Tracked",
    "run_live",
]
