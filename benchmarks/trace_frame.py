"""The way of one frame, from the camera to the display, as one picture: when each stage runs and what each one costs.

    python benchmarks/trace_frame.py [--rounds 3] --out docs/images/one-frame.svg [--json FILE]

A frame of the sample clip, enlarged to 1080 x 1920, goes through the very calls that a device and a server make, at
full resolution and with 75 % of its regions downsampled. Stages are processor time of one thread, medians of rounds in
which both ways take turns. The link is no measurement: the bytes of the messages at `--mbps` and half of `--rtt-ms`
each way.
Cost: 20 seconds of one core. Expected: docs/speed.md.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import torch
from timing import machine

from foveate.codec import VideoReader, decode_frame, encode_frame
from foveate.core import Detections, MixedFrame, OffloadPlan, Pixels
from foveate.estimators import load_profile
from foveate.evaluation.lab.figures.style import INK, MUTED, styled
from foveate.models import Detector, load_detector
from foveate.network.messages import Offload, Result, decode_from_device, decode_from_server, encode, unpack_mask
from foveate.policies import VitMAlis
from foveate.profiling.device import decision_state, some_objects
from foveate.profiling.masks import mask_with
from foveate.tracking import MotionAnalyser, Tracker, reduce

SAMPLE = Path(__file__).parents[1] / "src" / "foveate" / "samples" / "street.mp4"
SIZE = (1080, 1920)
OBJECTS = 30
CASES = {"full resolution": (0.0, 0), "75 % of the regions downsampled, beta 4": (0.75, 4)}
COLORS = {"device": "#2f9e83", "link": "#b58a12", "server": "#3f7fd6", "global": "#cf4a62"}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of the way."""

    name: str
    where: str
    """A key of `COLORS`."""
    seconds: float


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mbps", type=float, default=20.0)
    parser.add_argument("--rtt-ms", type=float, default=40.0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    way = Way(options.mbps, options.rtt_ms)
    with torch.inference_mode():
        rounds = [{case: way.once(*shape) for case, shape in CASES.items()} for _ in range(options.rounds + 1)]
    stages = {case: medians([found[case] for found in rounds[1:]]) for case in CASES}
    for case, found in stages.items():
        print(
            case, *(f"  {stage.where:7s} {stage.name:32s} {1e3 * stage.seconds:8.2f} ms" for stage in found), sep="\n"
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(stages, options.out, f"{options.mbps:g} Mbit/s, {options.rtt_ms:g} ms there and back")
    if options.json:
        rows = {case: [vars(stage) for stage in found] for case, found in stages.items()}
        options.json.write_text(json.dumps({"machine": machine(), "rounds": options.rounds, "stages": rows}, indent=1))


def medians(rounds: list[list[Stage]]) -> list[Stage]:
    """Stage by stage."""
    return [
        Stage(name=same[0].name, where=same[0].where, seconds=statistics.median(stage.seconds for stage in same))
        for same in zip(*rounds, strict=True)
    ]


class Way:
    """Both ends, and a frame that goes from one to the other and back."""

    def __init__(self, mbps: float, rtt_ms: float) -> None:
        detector = load_detector("vitdet-tiny-world")
        assert isinstance(detector, Detector)
        self.detector, self.mbps, self.half_rtt_s = detector, mbps, rtt_ms / 2000
        self.grid = detector.region_grid(*SIZE)
        self.frames, greys = frames(), [reduce(pixels) for pixels in frames()]
        self.analyser, self.tracker, self.policy = MotionAnalyser(self.grid), Tracker(), VitMAlis()
        self.tracker.restart(some_objects(self.grid, OBJECTS), greys[0])
        self.seen = itertools.cycle([*self.frames, *self.frames[-2:0:-1]])
        self.state = decision_state(load_profile("cpu-2core-vitdet-tiny"), self.grid, objects=OBJECTS)

    def once(self, share: float, beta: int) -> list[Stage]:
        """Every stage in order."""
        stages: list[Stage] = []

        def timed(where: str, name: str, call: Callable[[], Any]) -> Any:
            start = time.process_time()
            result = call()
            stages.append(Stage(name=name, where=where, seconds=time.process_time() - start))
            return result

        pixels = next(self.seen)
        mask = mask_with(self.grid, round(share * len(self.grid)), seed=0)
        grey = timed("device", "reduce to grey", lambda: reduce(pixels))
        timed("device", "motion", lambda: self.analyser.update(grey))
        timed("device", f"tracker, {OBJECTS} objects", lambda: self.tracker.advance(grey))
        timed("device", "estimate and decide", lambda: self.policy.decide(self.state))
        encoded = timed(
            "device", "pack and encode", lambda: encode_frame(pixels, grid=self.grid, mask=mask, quality=90)
        )
        plan = OffloadPlan(downsampling_mask=mask if mask.any() else None, restoration_point=beta)
        sent = timed("device", "write message", lambda: encode(self.offload(plan, encoded)))
        stages.append(self.on_link("uplink", sent))
        read = timed("server", "read message", lambda: decode_from_device(sent))
        mask = unpack_mask(read.mask, self.grid)
        tiles = timed("server", "decode to tiles", lambda: decode_frame(encoded, grid=self.grid, mask=mask))
        found = self.detected(tiles, beta, stages)
        result = Result.of(found, offload_id=1, decode_s=0.0, inference_s=0.0)
        answer = timed("server", "write result", lambda: encode(result))
        stages.append(self.on_link("downlink", answer))
        back = timed("device", "read result", lambda: decode_from_server(answer).detections(found.class_names))
        timed("device", "restart tracker", lambda: self.tracker.restart(back, grey))
        later = reduce(next(self.seen))
        timed("device", "catch up by one frame", lambda: self.tracker.advance(later))
        timed("device", "boxes for display", self.tracker.detections)
        return stages

    def offload(self, plan: OffloadPlan, encoded: Any) -> Offload:
        return Offload.of(
            plan,
            offload_id=1,
            frame_index=1,
            grid=self.grid,
            score_threshold=0.3,
            patience_s=5.0,
            full=encoded.full,
            low=encoded.low,
        )

    def on_link(self, name: str, message: bytes) -> Stage:
        """Computed from the bytes."""
        name = f"{name}, {len(message) / 1000:.0f} kB" if name == "uplink" else name
        return Stage(name=name, where="link", seconds=8 * len(message) / (1e6 * self.mbps) + self.half_rtt_s)

    def detected(self, frame: MixedFrame, beta: int, stages: list[Stage]) -> Detections:
        """One inference, marked where a block or another part begins."""
        marks = [("tokens", "server", time.process_time())]

        def mark(name: str, where: str = "server") -> Callable[..., None]:
            return lambda *_: marks.append((name, where, time.process_time()))

        parts = self.detector
        handles = [
            block.register_forward_pre_hook(
                mark(
                    f"block {n}, {'global' if block.is_global else 'windows'}",
                    "global" if block.is_global else "server",
                )
            )
            for n, block in enumerate(parts.backbone.blocks, start=1)
        ]
        handles += [parts.pyramid.register_forward_pre_hook(mark("pyramid"))]
        handles += [parts.head.register_forward_pre_hook(mark("head"))]
        handles += [parts.head.register_forward_hook(mark("suppression"))]
        found = self.detector.detect(frame, restoration_point=beta)
        for handle in handles:
            handle.remove()
        marks.append(("", "", time.process_time()))
        stages += [
            Stage(name=name, where=where, seconds=after - at) for (name, where, at), (_, _, after) in pairwise(marks)
        ]
        return found


def frames() -> list[Pixels]:
    """The first frames of the sample, enlarged."""
    with VideoReader(SAMPLE) as reader:
        return [np.asarray(cv2.resize(p, SIZE[::-1]), np.uint8) for p in itertools.islice(reader, 6)]


def draw(stages: dict[str, list[Stage]], out: Path, link: str) -> None:
    """Above: when. Below: how long, on a logarithmic axis, so that the small ones are seen."""
    rows = max(len(found) for found in stages.values())
    with styled() as new_figure:
        figure = new_figure(figsize=(10.5, 3.0 + 0.235 * rows))
        above, below = figure.subplots(2, 1, height_ratios=(1.7, 0.235 * rows))
        timeline(above, stages)
        costs(below, stages)
        figure.suptitle(
            f"One frame of 1080 x 1920, processor time of one thread ({machine().partition(',')[0]}); "
            f"link computed: {link}",
            fontsize=9,
            color=MUTED,
            x=0.01,
            ha="left",
        )
        with mpl.rc_context({"svg.hashsalt": out.stem}):
            figure.savefig(out, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})


def timeline(axes: Any, stages: dict[str, list[Stage]]) -> None:
    """One bar per case, from capture to display."""
    for row, (_, found) in enumerate(stages.items()):
        at = 0.0
        for stage in found:
            width = 1e3 * stage.seconds
            axes.barh(row, width, left=at, height=0.55, color=COLORS[stage.where], edgecolor="white", linewidth=0.4)
            at += width
        axes.annotate(f"{at:.0f} ms", (at, row), xytext=(5, 0), textcoords="offset points", va="center", color=INK)
    axes.set_yticks(range(len(stages)), [case.replace(" downsampled", "\ndownsampled") for case in stages])
    axes.set_ylim(len(stages) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("milliseconds since capture")
    labels = {"device": "device", "link": "link", "server": "server", "global": "server, global blocks"}
    for where, label in labels.items():
        axes.barh(0, 0, color=COLORS[where], label=label)
    axes.legend(loc="lower right", ncols=4, handlelength=1.0)


def costs(axes: Any, stages: dict[str, list[Stage]]) -> None:
    """A row for each stage, a bar for each case: the second one is paler."""
    (_, first), (_, second) = stages.items()
    for row, both in enumerate(zip(first, second, strict=True)):
        for shift, stage, alpha in ((-0.2, both[0], 1.0), (0.2, both[1], 0.5)):
            axes.barh(row + shift, 1e3 * stage.seconds, height=0.38, color=COLORS[stage.where], alpha=alpha, left=0)
        text = " / ".join(f"{1e3 * stage.seconds:.3g}" for stage in both)
        most = 1e3 * max(stage.seconds for stage in both)
        axes.annotate(text, (most, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
    axes.set_xscale("log")
    axes.set_yticks(
        range(len(first)), [stage.name.partition(", ")[0] if stage.where == "link" else stage.name for stage in first]
    )
    axes.set_ylim(len(first) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.set_xlabel("milliseconds: full resolution / 75 % downsampled (paler)")


if __name__ == "__main__":
    main()
