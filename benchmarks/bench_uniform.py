"""How well estimates made for mixed frames hold for whole frames of another size, which `uniform-opt` compares.

    python benchmarks/bench_uniform.py [--side profiling] [--kind rendered] [--frames 4] [--qualities 70 85 100]
        [--profile NAME]

Takes frames that `bench_estimators.py` has observed (kept under $FOVEATE_HOME/content), sends each at every scale and
quality, and prints by scale what the profile's estimators miss; below it the same for the mixed configurations that
were tried on those frames. Cost: 4 inferences of the full frame for each frame and quality, about 20 s a frame of
1080p on one slow core. Expected: docs/results.md.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from foveate.codec import VideoReader, decode_frame, encode_frame, scaled_to
from foveate.core import LinkState
from foveate.estimators import PerformanceEstimator, load_profile
from foveate.evaluation.lab.segment import FramesByPosition
from foveate.evaluation.splits import find_clip, load_splits
from foveate.metrics import F1Counter, Truth, with_ignore_rules
from foveate.models import load_detector
from foveate.policies import SCALES, uniform_configurations
from foveate.profiling import ContentSampling, Observation, observations_path, read_observations
from foveate.profiling.rows import tried
from foveate.server import DetectorLike

ROOT = Path(__file__).parents[1]
LINK = LinkState(throughput_bps=20e6, rtt_s=0.04)
"""Sizes and accuracies do not depend on it."""
Row = tuple[str, float, float, float, float]
"""Kind of configuration, true and estimated bytes, true and estimated F1."""


def main() -> None:
    """Measure and print."""
    options, rows = parsed(), list[Row]()
    estimator, clips = PerformanceEstimator(load_profile(options.profile)), load_splits().clips
    for clip in (clip for clip in clips if (clip.side, clip.kind) == (options.side, options.kind)):
        video = find_clip(clip, options.videos)
        detector = load_detector(options.model)
        found = [] if video is None else observed(video, detector)
        if video is None or not found:
            continue
        chosen = [found[k] for k in np.linspace(1, len(found) - 1, options.frames).round().astype(int)]
        with FramesByPosition(video) as frames:
            for observation in chosen:
                rows += uniform_rows(observation, detector, estimator, frames, tuple(options.qualities))
                rows += mixed_rows(observation, estimator)
        print(clip.name, [observation.frame for observation in chosen], flush=True)
    show(rows)


def observed(video: Path, detector: DetectorLike) -> list[Observation]:
    """What `bench_estimators.py` left of a clip: 16 frames at even steps."""
    with VideoReader(video) as reader:
        every = max(1, (reader.frame_count or 0) // 16)
    return read_observations(observations_path(video, detector, ContentSampling(every=every)))


def show(rows: Sequence[Row]) -> None:
    """What estimates miss, by kind of configuration."""
    table = Table("configurations", "rows", "size: bias", "size: MAPE", "F1: true", "F1: bias", "F1: MAE")
    for kind in dict.fromkeys(row[0] for row in rows):
        true_size, size, true_f1, f1 = np.array([row[1:] for row in rows if row[0] == kind]).T
        misses = size / true_size - 1
        figures = [misses.mean(), np.abs(misses).mean(), true_f1.mean()]
        figures += [(f1 - true_f1).mean(), np.abs(f1 - true_f1).mean()]
        table.add_row(kind, str(len(f1)), *(f"{value:+.3f}" for value in figures))
    Console(width=120).print(table)


def uniform_rows(
    observation: Observation,
    detector: DetectorLike,
    estimator: PerformanceEstimator,
    frames: FramesByPosition,
    qualities: tuple[int, ...],
) -> list[Row]:
    """The whole frame at every scale and quality."""
    grid, content = observation.grid, observation.content
    candidates = uniform_configurations(
        content, restoration_points=detector.restoration_points, qualities=qualities, scales=SCALES
    )
    estimates = estimator.estimate(candidates, grid=grid, content=content, link=LINK)
    truth = Truth(detections=observation.truth.detections(observation.class_names))
    counted, pixels = with_ignore_rules(truth, frame_height=grid.height), frames.at(observation.frame)
    rows = []
    for k, scale in enumerate(candidates.frame_scale.tolist()):
        of_sent = detector.region_grid(round(grid.height * scale), round(grid.width * scale))
        encoded = encode_frame(scaled_to(pixels, of_sent), grid=of_sent, quality=int(candidates.jpeg_quality[k]))
        found = detector.detect_batch([decode_frame(encoded, grid=of_sent)])[0]
        found = found.scaled(grid.height / of_sent.height, grid.width / of_sent.width)
        f1 = F1Counter().add(found, counted.detections, ignore=counted.ignore).f1
        expected = float(estimates.size_bytes[k]), float(estimates.accuracy[k])
        rows.append((f"scale {scale:g}", float(encoded.size_bytes), expected[0], f1, expected[1]))
    return rows


def mixed_rows(observation: Observation, estimator: PerformanceEstimator) -> list[Row]:
    """The configurations that were tried when the frame was observed."""
    estimates = estimator.estimate(tried(observation), grid=observation.grid, content=observation.content, link=LINK)
    expected = zip(estimates.size_bytes.tolist(), estimates.accuracy.tolist(), strict=True)
    return [
        ("mixed", float(trial.size_bytes), size, trial.f1, f1)
        for trial, (size, f1) in zip(observation.trials, expected, strict=True)
        if trial.downsampling_type
    ]


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=ROOT.parent / "shared" / "data" / "videos")
    parser.add_argument("--side", choices=("profiling", "evaluation"), default="profiling")
    parser.add_argument("--kind", choices=("rendered", "real"), default="rendered")
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--profile", default="paper-jetson-rtx5090")
    parser.add_argument("--frames", type=int, default=4, help="frames of each clip")
    parser.add_argument("--qualities", type=int, nargs="*", default=[70, 85, 100])
    return parser.parse_args()


if __name__ == "__main__":
    main()
