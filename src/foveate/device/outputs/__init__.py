"""Where displayed frames go: a stream of JSON lines, a video file, a window."""

from foveate.device.outputs.json_lines import JsonLines, frame_line
from foveate.device.outputs.video_sink import VideoSink
from foveate.device.outputs.window import Window

__all__ = ["JsonLines", "VideoSink", "Window", "frame_line"]
