"""`foveate device`: the end with the camera."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from foveate.device import Displayed

EXAMPLE = "Example: foveate device --camera clip.mp4 --server 127.0.0.1:5555 --policy track-b2b"


def device(
    *,
    camera: Annotated[Path, typer.Option(metavar="FILE", help="A video file, played at its own frame rate.")],
    server: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where `foveate serve` answers.")],
    policy: Annotated[str, typer.Option(help="NAME[:parameter=value,...]; a wrong name lists them all.")] = "track-b2b",
    profile: Annotated[str | None, typer.Option(help="Name or path of a profile; policy vitmalis needs one.")] = None,
) -> None:
    """Offload the frames of a camera; one JSON line on stdout for each displayed frame."""
    from foveate.device import run_live
    from foveate.estimators import load_profile

    loaded = None if profile is None else load_profile(profile)
    run_live(camera, server=server, policy=policy, profile=loaded, on_frame=_print)


def _print(event: "Displayed") -> None:
    import json

    found = event.detections
    line = {
        "frame": event.frame.index,
        "staleness_s": None if event.staleness_s is None else round(event.staleness_s, 4),
        "objects": [
            {"class": found.class_names[k], "score": round(float(score), 3), "box": [round(float(v), 1) for v in box]}
            for box, score, k in zip(found.boxes, found.scores, found.class_id, strict=True)
        ],
    }
    typer.echo(json.dumps(line))
