"""Where frames come from: cameras, streams, files and folders behind one contract."""

from foveate.device.sources._base import FrameSource
from foveate.device.sources.capture import Capture
from foveate.device.sources.clip import Clip, played_frames
from foveate.device.sources.folder import ImageFolder
from foveate.device.sources.opening import open_source

__all__ = ["Capture", "Clip", "FrameSource", "ImageFolder", "open_source", "played_frames"]
