"""Makes `corpus/`: one frame of `moving_squares`, as JPEGs of all kinds that a decoder may meet.

    python tests/server/make_corpus.py

Fuzzing starts from these and from what the codec makes. A picture that once broke something is added by hand.
"""

from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from foveate.testing import moving_squares

CORPUS = Path(__file__).parent / "corpus"


def pictures():
    """Name and bytes of each."""
    pixels = next(moving_squares(1))
    for sampling in ("444", "422", "420", "440", "411"):
        yield f"sampling-{sampling}", simplejpeg.encode_jpeg(pixels, quality=85, colorsubsampling=sampling)
    for quality in (1, 100):
        yield f"quality-{quality}", simplejpeg.encode_jpeg(pixels, quality=quality, colorsubsampling="420")
    grey = pixels.mean(axis=2, keepdims=True).astype(np.uint8)
    yield "grey", simplejpeg.encode_jpeg(np.ascontiguousarray(grey), colorspace="GRAY", colorsubsampling="Gray")
    four = np.ascontiguousarray(np.concatenate([pixels, grey], axis=2))
    yield "cmyk", simplejpeg.encode_jpeg(four, colorspace="CMYK", colorsubsampling="444")
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    for name, options in {
        "progressive": (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        "restarts": (cv2.IMWRITE_JPEG_RST_INTERVAL, 3),
        "optimised": (cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    }.items():
        yield name, cv2.imencode(".jpg", bgr, options)[1].tobytes()


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for name, data in pictures():
        (CORPUS / f"{name}.jpg").write_bytes(data)
