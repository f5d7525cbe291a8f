"""The endpoint with the camera: a session without I/O and its live shell. No torch."""

from foveate.device.answering import AnsweringSession
from foveate.device.drawing import draw
from foveate.device.events import (
    Connected,
    DecideWork,
    DeviceEvent,
    Displayed,
    EncodeWork,
    LookWork,
    Lost,
    MotionWork,
    OffloadDone,
    Redial,
    Seen,
    Send,
    Tracked,
    TrackWork,
)
from foveate.device.live import LiveDevice, LiveRun, run_live
from foveate.device.live_answering import LiveAnswering
from foveate.device.looking import Glance, Looking
from foveate.device.outputs import FailureReasons, JsonLines, LinePipe, VideoSink, Window
from foveate.device.owed import Answered, AnswerRules
from foveate.device.patient_file import PatientFile
from foveate.device.perception import Perception
from foveate.device.recorder import Recorder
from foveate.device.session import DeviceSession
from foveate.device.sources import Capture, Clip, FrameSource, ImageFolder, open_source

__all__ = [
    "AnswerRules",
    "Answered",
    "AnsweringSession",
    "Capture",
    "Clip",
    "Connected",
    "DecideWork",
    "DeviceEvent",
    "DeviceSession",
    "Displayed",
    "EncodeWork",
    "FailureReasons",
    "FrameSource",
    "Glance",
    "ImageFolder",
    "JsonLines",
    "LinePipe",
    "LiveAnswering",
    "LiveDevice",
    "LiveRun",
    "LookWork",
    "Looking",
    "Lost",
    "MotionWork",
    "OffloadDone",
    "PatientFile",
    "Perception",
    "Recorder",
    "Redial",
    "Seen",
    "Send",
    "TrackWork",
    "Tracked",
    "VideoSink",
    "Window",
    "draw",
    "open_source",
    "run_live",
]
