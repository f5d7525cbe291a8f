"""Where displayed frames go: a stream of JSON lines, a video file, a window; and what is said of failed offloads."""

from foveate.device.outputs.failures import FailureReasons
from foveate.device.outputs.json_lines import JsonLines, frame_line
from foveate.device.outputs.line_pipe import LinePipe
from foveate.device.outputs.video_sink import VideoSink
from foveate.device.outputs.window import Window

__all__ = ["FailureReasons", "JsonLines", "LinePipe", "VideoSink", "Window", "frame_line"]
