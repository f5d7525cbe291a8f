"""Estimators of size and accuracy on clips that no fit has seen: table II of the ViTMAlis paper, and regret.

    python benchmarks/bench_estimators.py --videos DIR [--side profiling] [--kind rendered|real] [--frames 16]
        [--per-frame 5] [--into PROFILE.json ...] [--json FILE]

Measures what is missing (kept under $FOVEATE_HOME/content, goes on where it was stopped), then fits and judges. Clips
are those of `foveate/evaluation/splits.json` that are there. On the profiling side each clip is estimated by a fit on
the others; on the evaluation side all are estimated by the fit on the profiling clips. `--into` writes the fit on the
profiling clips into profiles. Rendered clips go through --model, real ones through --real-model.

Cost: about 190 inferences a clip, 4 minutes of one core at 1080p; fits 2 minutes. Expected: docs/results.md.
"""

import argparse
from pathlib import Path

from rich.console import Console

from foveate.codec import VideoReader
from foveate.evaluation.progress import Steps
from foveate.evaluation.splits import SplitClip, find_clip, load_splits
from foveate.models import load_detector
from foveate.profiling import (
    ContentSampling,
    Observation,
    content_observations,
)

ROOT = Path(__file__).parents[1]
FIGURES = ("mae", "rmse", "mape", "r2")


def main() -> None:
    """Measure, judge, print."""
    options = parsed()
    observations = measured(options)
    print({name: sum(len(o.trials) for o in found) for name, found in observations.items()})


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=ROOT.parent / "shared" / "data" / "videos")
    parser.add_argument("--side", choices=("profiling", "evaluation"), default="profiling")
    parser.add_argument("--kind", choices=("rendered", "real"))
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--real-model", default=str(ROOT / "weights" / "vitdet-tiny-research.safetensors"))
    parser.add_argument("--frames", type=int, default=16, help="frames of each clip")
    parser.add_argument("--per-frame", type=int, default=5, help="configurations tried on each")
    parser.add_argument("--complete", type=int, default=1, help="frames of each clip on which all are tried")
    parser.add_argument("--measure-only", action="store_true")
    parser.add_argument("--into", type=Path, nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def measured(options: argparse.Namespace) -> dict[str, list[Observation]]:
    """Observations of the clips that are there, by name."""
    sides = {"profiling", options.side}
    clips = [c for c in load_splits().clips if c.side in sides and options.kind in (None, c.kind)]
    there = {clip: video for clip in clips if (video := find_clip(clip, options.videos)) is not None}
    found: dict[str, list[Observation]] = {}
    with Steps(Console(stderr=True)) as steps:
        for clip, video in sorted(there.items(), key=lambda item: _pixels(item[1])):  # cheap ones first
            detector = load_detector(options.model if clip.kind == "rendered" else options.real_model)
            found[clip.name] = content_observations(
                video, detector, begin=steps.begin_open, sampling=sampling_of(clip, video, options)
            )
    return found


def _pixels(video: Path) -> int:
    with VideoReader(video) as reader:
        return reader.size[0] * reader.size[1]


def sampling_of(clip: SplitClip, video: Path, options: argparse.Namespace) -> ContentSampling:
    """So many frames, spread over the clip."""
    with VideoReader(video) as reader:
        count = min(reader.frame_count or 0, clip.frames or 10**9)
    return ContentSampling(
        every=max(1, count // options.frames),
        per_frame=options.per_frame,
        complete=options.complete,
        until=clip.frames,
    )


if __name__ == "__main__":
    main()
