"""What Hyperion's two ends see of the same frames, alone and together: average precision by class and size.

    python benchmarks/hyperion_ends.py CLIP [--model vitdet-tiny-world] [--device-model NAME] [--frames N]

The device looks at the whole frame at half its size, the cloud at all slices of a JPEG of `--quality` (90), each of
`--side` (1024) pixels; with truth beside the clip (`NAME.json`, else `NAME.pseudo.json`). Results are those that
`foveate compare hyperion-overall` keeps under $FOVEATE_HOME. Cost: for a 4K frame that none has seen 15 to 35 s of one
slow core. Expected: the cloud finds the small objects, and both together more than either; if the cloud is not ahead,
no policy can gain by sending.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from foveate.core import Detections, LookPlan, OffloadPlan, Pixels, RegionGrid, Slicing, View
from foveate.device import AnswerRules, Looking
from foveate.evaluation.answer_outcomes import AnswerOutcomes, Looks
from foveate.evaluation.glances import DeviceModel, load_device_model
from foveate.evaluation.lab import load_model
from foveate.evaluation.lab.references import independent_truths
from foveate.evaluation.lab.segment import FramesByPosition
from foveate.evaluation.truth import truth_key
from foveate.metrics import Truth, average_precision, ensemble
from foveate.server import DetectorLike, welcome_of

LOOK_SCALE = 0.5
Ends = tuple[DeviceModel, DetectorLike]
Seen = dict[str, list[tuple[Detections, Truth]]]
"""By end: what it found in each frame, and what is there."""


def main() -> None:
    """Let both ends see the frames, print one row for each."""
    options = parsed()
    with FramesByPosition(options.clip) as frames:
        size = frames.at(0).shape[:2]
        reference, truths = next(iter(independent_truths(options.clip, size=size).items()))
        chosen = np.array(sorted(truths))[np.linspace(0, len(truths) - 1, min(options.frames, len(truths))).astype(int)]
        positions = [int(position) for position in chosen]
        plan = whole_frame(size, options.quality, side=options.side)
        seen = see(options.clip, frames, positions, truths, ends=ends_of(options), plan=plan)
    print_table(f"{options.clip.name}, {len(chosen)} frames, reference {reference}", seen)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--device-model", help="default: the cloud's")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--quality", type=int, default=90)
    parser.add_argument("--side", type=int, default=Slicing.side)
    return parser.parse_args()


def ends_of(options: argparse.Namespace) -> Ends:
    """The device's model and the cloud's."""
    return load_device_model(options.device_model or options.model), load_model(options.model)


def whole_frame(size: tuple[int, int], quality: int, *, side: int = Slicing.side) -> OffloadPlan:
    """What the cloud gets: a frame `(height, width)` of one quality, looked at in slices of `side` pixels."""
    return OffloadPlan(views=(View.whole(size),), jpeg_quality=quality, slicing=Slicing(side=side))


def see(
    clip: Path, frames: FramesByPosition, chosen: list[int], truths: dict[int, Truth], *, ends: Ends, plan: OffloadPlan
) -> Seen:
    """Device, cloud and both on the frames of a clip at these positions; `plan` is what the cloud gets of each."""
    device, cloud = ends
    welcome, size = welcome_of(cloud), frames.at(0).shape[:2]
    clip_sha256 = truth_key(clip, welcome).video_sha256
    look = LookPlan(views=(View.whole(size, LOOK_SCALE),))
    grid = RegionGrid(height=size[0], width=size[1])
    names = tuple(welcome.class_names)
    seen: Seen = {"device": [], "cloud": [], "both": []}
    with (
        Looks(
            clip_sha256=clip_sha256,
            model_key=device.weights_hash,
            class_names=device.class_names,
            load=lambda: Looking(device),
        ) as looks,
        AnswerOutcomes(
            clip_sha256=clip_sha256,
            weights_hash=welcome.weights_hash,
            class_names=names,
            score_threshold=AnswerRules().score_threshold,
            load=lambda: cloud,
        ) as outcomes,
    ):
        for position in chosen:
            pixels: Callable[[], Pixels] = partial(frames.at, position)
            ours = looks.get(position, look, pixels).detections
            theirs = outcomes.found(position, plan, grid, pixels)
            for end, found in (("device", ours), ("cloud", theirs), ("both", ensemble(ours, theirs))):
                seen[end].append((found, truths[position]))
    return seen


def print_table(title: str, seen: Seen) -> None:
    """AP50 of each end: mean over classes, by class, by size."""
    found = {end: average_precision(pairs) for end, pairs in seen.items()}
    classes, sizes = (list(getattr(next(iter(found.values())), name)) for name in ("classes", "sizes"))
    table = Table("end", "AP50", *classes, *sizes, "boxes a frame", title=title)
    for end, of in found.items():
        values = [f"{of.classes[name].ap50:.3f} ({of.classes[name].n})" for name in classes]
        values += [f"{of.sizes[name].ap50:.3f} ({of.sizes[name].n})" for name in sizes]
        boxes = np.mean([len(detections) for detections, _ in seen[end]])
        table.add_row(end, f"{of.ap50:.3f}", *values, f"{boxes:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
