"""(frame, plan) <-> bytes, and the files that frames come from and go to. No decisions, no torch."""

from foveate.codec.classes import EncodedClasses, class_sizes, decode_classes, encode_classes, thumbnail_bytes
from foveate.codec.frames import EncodedFrame, decode_frame, encode_frame, scaled_to
from foveate.codec.image import is_image, is_video, read_image, write_image
from foveate.codec.jpeg import ChromaSubsampling, decode_jpeg, encode_jpeg
from foveate.codec.parts import EncodedPart, EncodedParts, crop, decode_part, encode_parts, encode_plan
from foveate.codec.picture import PictureCoding, decode_picture, encode_picture
from foveate.codec.video_reader import VideoReader
from foveate.codec.video_writer import VideoWriter

__all__ = [
    "ChromaSubsampling",
    "EncodedClasses",
    "EncodedFrame",
    "EncodedPart",
    "EncodedParts",
    "PictureCoding",
    "VideoReader",
    "VideoWriter",
    "class_sizes",
    "crop",
    "decode_classes",
    "decode_frame",
    "decode_jpeg",
    "decode_part",
    "decode_picture",
    "encode_classes",
    "encode_frame",
    "encode_jpeg",
    "encode_parts",
    "encode_picture",
    "encode_plan",
    "is_image",
    "is_video",
    "read_image",
    "scaled_to",
    "thumbnail_bytes",
    "write_image",
]
