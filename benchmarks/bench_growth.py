"""How cost grows: with the frame's size, with the number of objects, with clients, with a clip's length.

    python benchmarks/bench_growth.py [size|model|objects|clients|clip|backward ...] [--rounds 3] --out FOLDER

Processor time of one thread, medians over rounds in which all sizes of all parts take turns. The exponent of a part is
the slope of its upper half on double logarithmic axes: there what grows fastest outweighs what is constant. FOLDER gets
`growth.json` and `growth.html`, one page that holds tables and curves (extra `lab`).
Cost: 4 minutes of one core. Expected: docs/results.md.
"""

import argparse
import itertools
import json
import resource
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import torch
from timing import machine

from foveate.codec import VideoReader, decode_frame, encode_frame
from foveate.core import (
    STREET_CLASSES,
    Detections,
    Frame,
    OffloadPlan,
    OffloadRecord,
    Pixels,
    RegionGrid,
    split_regions,
)
from foveate.device import Displayed, OffloadDone
from foveate.device.drawing import draw
from foveate.estimators import load_profile
from foveate.evaluation.lab.cell_figures import result_of
from foveate.evaluation.lab.figures.style import Drawn, colors_of, styled
from foveate.evaluation.lab.page_parts import document
from foveate.evaluation.lab.references import Reference
from foveate.evaluation.lab.segment import FramesByPosition
from foveate.evaluation.live_log import LiveLog
from foveate.evaluation.score import rendering_f1
from foveate.evaluation.summary import live_figures
from foveate.metrics import F1Counter, Truth, average_precision, suppress
from foveate.models import load_detector
from foveate.models.nms import nms
from foveate.network.messages import Hello, Offload, Result, Welcome, decode_from_server, encode
from foveate.policies import VitMAlis
from foveate.profiling.device import decision_state, some_objects
from foveate.profiling.masks import mask_with
from foveate.server import Inferred, ServerSession
from foveate.tracking import MotionAnalyser, Tracker, reduce

Call = Callable[[], object]
Part = Callable[[int], Call]
"""Makes ready for a size, and returns what is timed there."""

SAMPLE = Path(__file__).parents[1] / "src" / "foveate" / "samples" / "street.mp4"
HEIGHTS = (360, 540, 720, 1080, 1440, 2160)
OBJECTS = (1, 3, 10, 30, 100, 300)
CLIENTS = (1, 2, 4, 8, 16, 32)
SECONDS = (3, 10, 30, 100, 300)
FPS = 30
ONCE_S = 5.0
"""A call that takes longer is made once."""
FULL_HD = RegionGrid(height=1080, width=1920)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One part over its sizes."""

    part: str
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    """Seconds, or bytes for memory."""
    unit: str = "s"

    @property
    def exponent(self) -> float:
        """Slope of the upper half on double logarithmic axes."""
        upper = len(self.sizes) // 2
        return float(np.polyfit(np.log(self.sizes[upper:]), np.log(self.values[upper:]), 1)[0])


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What grows, and the parts that grow with it."""

    name: str
    label: str
    sizes: tuple[int, ...]
    parts: Mapping[str, Part]
    scale: Callable[[int], float] = float
    """What the exponent refers to; pixels of a frame of so many rows, for example."""


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axes", nargs="*", default=list(AXES), choices=list(AXES), metavar="AXIS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(machine())
    grown = {}
    for name in options.axes:
        axis = AXES[name]()
        grown[name] = axis, [*measured(axis, options.rounds), *(held_by_clips() if name == "clip" else [])]
        print_table(axis, grown[name][1])
    print(f"most memory held: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    options.out.mkdir(parents=True, exist_ok=True)
    curves = {name: [asdict(c) | {"exponent": c.exponent} for c in found] for name, (_, found) in grown.items()}
    content = {"machine": machine(), "rounds": options.rounds, "axes": curves}
    (options.out / "growth.json").write_text(json.dumps(content, indent=1) + "\n")
    (options.out / "growth.html").write_text(page(list(grown.values())), encoding="utf-8")


def measured(axis: Axis, rounds: int) -> list[Curve]:
    """Every part at every size, once per round; the first round does not count, but of calls that are made once."""
    calls = {(name, size): part(size) for name, part in axis.parts.items() for size in axis.sizes}
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in calls}
    with torch.inference_mode():
        for _ in range(rounds + 1):
            for key, call in calls.items():
                if not seconds[key] or seconds[key][0] < ONCE_S:
                    seconds[key].append(took(call))
    return [
        Curve(
            part=name,
            sizes=tuple(axis.scale(size) for size in axis.sizes),
            values=tuple(statistics.median(seconds[name, size][1:] or seconds[name, size]) for size in axis.sizes),
        )
        for name in axis.parts
    ]


def took(call: Call) -> float:
    """Processor time of a call; short ones are repeated, as the clock's own cost is half a microsecond."""
    for count in (1, 10, 100):
        start = time.process_time()
        for _ in range(count):
            call()
        seconds = time.process_time() - start
        if seconds > 1e-3:
            break
    return seconds / count


# Frame size


def by_size() -> Axis:
    """Parts whose work is a frame's pixels."""
    parts: dict[str, Part] = {
        "grey and motion": motion,
        "tracking, 30 objects": lambda height: tracking(30, grid_of(height)),
        "estimate and decide": lambda height: deciding(30, grid_of(height)),
        "pack and encode, half low": packing,
        "decode to tiles, half low": unpacking,
        "draw, 30 objects": lambda height: drawing(30, grid_of(height)),
    }
    return Axis(name="Frame size", label="pixels", sizes=HEIGHTS, parts=parts, scale=pixels_of)


def by_model() -> Axis:
    """Whole inferences, at the detector's own dtype."""
    detector = load_detector("vitdet-tiny-world")
    cases = {"full": (0.0, 0), "75% low, beta 4": (0.75, 4)}
    parts = {name: partial(inference, detector, share, beta) for name, (share, beta) in cases.items()}
    return Axis(name="Frame size, model", label="pixels", sizes=HEIGHTS, parts=parts, scale=pixels_of)


def pixels_of(height: int) -> float:
    return float(height * width_of(height))


def width_of(height: int) -> int:
    return height * 16 // 9


def grid_of(height: int) -> RegionGrid:
    return RegionGrid(height=height, width=width_of(height))


def frames(height: int, count: int = 6) -> list[Pixels]:
    """The first frames of the sample, brought to a size."""
    with VideoReader(SAMPLE) as reader:
        return [
            np.asarray(cv2.resize(p, (width_of(height), height)), np.uint8) for p in itertools.islice(reader, count)
        ]


def swing(items: Sequence[Any]) -> "itertools.cycle[Any]":
    """Forward and backward, without end."""
    return itertools.cycle([*items, *items[-2:0:-1]])


def motion(height: int) -> Call:
    analyser, seen = MotionAnalyser(grid_of(height)), swing(frames(height))
    return lambda: analyser.update(reduce(next(seen)))


def packing(height: int) -> Call:
    grid, pixels = grid_of(height), frames(height, 1)[0]
    mask = mask_with(grid, len(grid) // 2, seed=0)
    return lambda: encode_frame(pixels, grid=grid, mask=mask, quality=90)


def unpacking(height: int) -> Call:
    grid = grid_of(height)
    mask = mask_with(grid, len(grid) // 2, seed=0)
    encoded = encode_frame(frames(height, 1)[0], grid=grid, mask=mask, quality=90)
    return lambda: decode_frame(encoded, grid=grid, mask=mask)


def inference(detector: Any, share: float, beta: int, height: int) -> Call:
    grid = detector.region_grid(height, width_of(height))
    frame = split_regions(frames(height, 1)[0], grid, mask_with(grid, round(share * len(grid)), seed=0))
    return lambda: detector.detect(frame, restoration_point=beta)


# Objects


def by_objects() -> Axis:
    """Parts whose work is boxes, on frames of 1080 x 1920."""
    parts: dict[str, Part] = {
        "tracking": tracking,
        "estimate and decide": deciding,
        "F1 of a frame": counting,
        "AP of 20 frames": precision,
        "suppression, device": lambda count: partial(suppress, boxes(count), 0.5),
        "suppression, model": suppression,
        "draw": drawing,
        "result on the wire": wire,
    }
    return Axis(name="Objects", label="objects", sizes=OBJECTS, parts=parts)


def boxes(count: int, *, seed: int = 0) -> Detections:
    """Seeded boxes all over a 1080p frame, in six classes."""
    rng = np.random.default_rng([seed, count])
    found = some_objects(FULL_HD, count)
    jitter = rng.normal(0, 2, (count, 4)).astype(np.float32)
    classes = rng.integers(0, len(STREET_CLASSES), count)
    return Detections(
        boxes=found.boxes + jitter, scores=rng.random(count), class_id=classes, class_names=STREET_CLASSES
    )


def tracking(count: int, grid: RegionGrid = FULL_HD) -> Call:
    greys = [reduce(pixels) for pixels in frames(grid.height)]
    tracker, followed = Tracker(), swing(greys[1:] + greys[:1])
    tracker.restart(some_objects(grid, count), greys[0])
    return lambda: tracker.advance(next(followed))


def deciding(count: int, grid: RegionGrid = FULL_HD) -> Call:
    policy, state = VitMAlis(), decision_state(load_profile("cpu-2core-vitdet-tiny"), grid, objects=count)
    return lambda: policy.decide(state)


def counting(count: int) -> Call:
    predicted, truth = boxes(count, seed=1), boxes(count)
    return lambda: F1Counter().add(predicted, truth)


def precision(count: int) -> Call:
    pairs = [(boxes(count, seed=seed), Truth(detections=boxes(count))) for seed in range(20)]
    return lambda: average_precision(pairs)


def suppression(count: int) -> Call:
    found = boxes(count)
    arrays = [torch.from_numpy(a.copy()) for a in (found.boxes, found.scores, found.class_id)]
    return lambda: nms(*arrays, 0.5)


def drawing(count: int, grid: RegionGrid = FULL_HD) -> Call:
    pixels, found = frames(grid.height, 1)[0], some_objects(grid, count)
    mask = mask_with(grid, len(grid) // 2, seed=0)
    return lambda: draw(pixels, found, grid=grid, mask=mask, status="60 ms")


def wire(count: int) -> Call:
    found = boxes(count)

    def there_and_back() -> object:
        payload = encode(Result.of(found, offload_id=1, decode_s=0.0, inference_s=0.0))
        return decode_from_server(payload).detections(found.class_names)

    return there_and_back


# Clients


def by_clients() -> Axis:
    """A server's session without transport and model: 32 frames from their bytes to their answers."""
    return Axis(
        name="Clients",
        label="clients that always have a frame waiting",
        sizes=CLIENTS,
        parts={"32 answers, batches of 4": answering, "32 answers, one at a time": partial(answering, per_batch=1)},
    )


def answering(clients: int, *, per_batch: int = 4) -> Call:
    """All clients have a frame waiting; those of a batch that is answered send their next ones."""
    welcome = Welcome(
        model="m",
        weights_hash="h",
        class_names=["person"],
        score_threshold=0.3,
        patch_size=16,
        window_size=9,
        downsampling_factor=2,
        subsets=4,
    )
    tokens = welcome.grid(288, 288).tokens()
    session: ServerSession[str] = ServerSession(welcome, budget_tokens=per_batch * tokens)
    offload = Offload(
        offload_id=0,
        frame_index=0,
        height=288,
        width=288,
        mask=b"",
        restoration_point=0,
        score_threshold=0.3,
        patience_s=86_400.0,
        full=bytes(20_000),
        low=b"",
    )
    answer = Inferred(detections=boxes(10), decode_s=0.0, inference_s=0.01)
    numbers, clock = itertools.count(), itertools.count()
    names = [b"client %d" % i for i in range(clients)]

    def send(name: bytes) -> None:
        payload = encode(msgspec.structs.replace(offload, offload_id=next(numbers)))
        session.receive(name, payload, 1e-4 * next(clock))

    def serve_one_batch() -> int:
        now = 1e-4 * next(clock)
        session.advance(now)
        while (work := session.next_decode(now)) is not None:
            session.decoded(work, "pixels", decode_s=0.0)
        batch = session.next_batch(now)
        assert batch is not None
        for work in batch.works:
            session.finished(work, answer)
            send(work.client)
        return len(batch.works)

    for name in names:
        session.receive(name, encode(Hello()), 0.0)
        send(name)

    def serve() -> None:
        answered = 0
        while answered < 32:
            answered += serve_one_batch()

    return serve


# Clip length


def by_clip() -> Axis:
    """Scoring and figures of a run of so many seconds at 30 frames a second, 10 objects a frame."""
    parts: dict[str, Part] = {
        "rendering F1": lambda seconds: partial(rendering_f1, log_of(seconds), truths(), position),
        "summary": lambda seconds: partial(live_figures, log_of(seconds)),
        "figures and rows of a cell": cell_figures,
        "AP": clip_precision,
    }
    return Axis(name="Clip length", label="seconds of video", sizes=SECONDS, parts=parts)


POSITIONS = 300
"""Frames of the file that a longer run plays forward and backward."""


def position(index: int) -> int:
    turn = index % (2 * POSITIONS - 2)
    return min(turn, 2 * POSITIONS - 2 - turn)


@lru_cache
def truths() -> dict[int, Truth]:
    return {i: Truth(detections=boxes(10), track_ids=np.arange(10)) for i in range(POSITIONS)}


@lru_cache
def log_of(seconds: int) -> LiveLog:
    """A run with an offload every half second."""
    log = LiveLog()
    found, pixels = [boxes(10, seed=seed) for seed in range(8)], np.zeros((2, 2, 3), np.uint8)
    source = None
    for index in range(seconds * FPS):
        frame = Frame(index=index, captured_at=index / FPS, pixels=pixels)
        if index % 15 == 0:
            source = frame
            log.offloads.append(OffloadDone(record=record(index), captured_at=index / FPS, result=found[0]))
        shown = Displayed(frame=frame, displayed_at=(index + 1) / FPS, detections=found[index % 8], source=source)
        log.displayed(shown)
    return log


def record(index: int) -> OffloadRecord:
    return OffloadRecord(
        offload_id=index // 15,
        frame_index=index,
        started_at=index / FPS,
        finished_at=index / FPS + 0.3,
        plan=OffloadPlan(),
        payload_bytes=100_000,
        encode_s=0.01,
        uplink_s=0.1,
        decode_s=0.01,
        inference_s=0.1,
        downlink_s=0.02,
        rtt_s=0.04,
    )


class PlayedClip:
    """What scoring needs to know of a clip."""

    size, fps = (1080, 1920), float(FPS)

    def __init__(self, seconds: int) -> None:
        self.order = [position(index) for index in range(seconds * FPS)]

    def file_position(self, index: int) -> int:
        return self.order[index]


def cell_figures(seconds: int) -> Call:
    log, clip, known = log_of(seconds), PlayedClip(seconds), [Reference(name="exact", truths=truths())]
    return lambda: result_of(log, clip, known, 0.0)  # type: ignore[arg-type]  # a clip without a file


def clip_precision(seconds: int) -> Call:
    """Of one frame in 30: all of them would take minutes."""
    pairs = [(boxes(10, seed=seed), Truth(detections=boxes(10))) for seed in range(seconds)]
    return lambda: average_precision(pairs)


def reading_backward(frames_read: int) -> Call:
    """Every third frame of a clip from its end, as a run that plays it backward offloads them."""

    def read() -> None:
        with FramesByPosition(SAMPLE) as found:
            for index in range(frames_read - 1, -1, -3):
                found.at(index)

    return read


def held_by_clips() -> list[Curve]:
    """Bytes that the log of a run holds."""
    held = []
    for seconds in SECONDS:
        tracemalloc.start()
        log = log_of.__wrapped__(seconds)
        held.append(float(tracemalloc.get_traced_memory()[0]))
        tracemalloc.stop()
        assert log.shown
    return [Curve(part="memory of the log", sizes=tuple(map(float, SECONDS)), values=tuple(held), unit="B")]


def by_file() -> Axis:
    return Axis(
        name="Frames of a file that is played backward",
        label="frames",
        sizes=(18, 36, 75, 150, 300),
        parts={"every third frame, last one first": reading_backward},
    )


AXES = {
    "size": by_size,
    "model": by_model,
    "objects": by_objects,
    "clients": by_clients,
    "clip": by_clip,
    "backward": by_file,
}


# Report


def shown(value: float, unit: str) -> str:
    """Three digits, in milliseconds or MiB."""
    return f"{1e3 * value:.3g}" if unit == "s" else f"{value / 2**20:.3g} MiB"


def table(axis: Axis, curves: Sequence[Curve]) -> list[list[str]]:
    """A head and a row for each part: its name, its values, its exponent."""
    head = [f"milliseconds by {axis.label}", *(f"{size:.3g}" for size in curves[0].sizes), "exponent"]
    return [head, *([c.part, *(shown(v, c.unit) for v in c.values), f"{c.exponent:.2f}"] for c in curves)]


def print_table(axis: Axis, curves: Sequence[Curve]) -> None:
    """As Markdown."""
    head, *rows = table(axis, curves)
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")


def drawn(axis: Axis, curves: Sequence[Curve]) -> Drawn:
    """Cost over size, both logarithmic."""
    timed = [curve for curve in curves if curve.unit == "s"]
    colors = colors_of([curve.part for curve in timed])
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 4.2))
        axes = figure.subplots()
        for number, curve in enumerate(timed):
            style = "-" if number < len(set(colors.values())) else "--"
            label = f"{curve.part} ({curve.exponent:.2f})"
            milliseconds = [1e3 * value for value in curve.values]
            axes.plot(
                curve.sizes, milliseconds, style, marker="o", markersize=3.5, color=colors[curve.part], label=label
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(timed[0].sizes, [f"{size:.3g}" for size in timed[0].sizes])
        axes.minorticks_off()
        axes.set_xlabel(axis.label)
        axes.set_ylabel("milliseconds of one thread")
        figure.legend(loc="outside right upper")
    return Drawn(
        name=axis.name.lower().replace(" ", "-"),
        title=axis.name,
        caption="In brackets the exponent: the slope of the upper half.",
        figure=figure,
    )


def page(grown: Sequence[tuple[Axis, Sequence[Curve]]]) -> str:
    """All curves and tables in one file."""
    body = [f"<header><h1>How cost grows</h1><p>{escape(machine())}</p></header>"]
    for axis, curves in grown:
        figure = drawn(axis, curves)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table(axis, curves)
        )
        body.append(
            f"<figure><h3>{escape(axis.name)}</h3>{figure.inline_svg()}<figcaption>{escape(figure.caption)}</figcaption>"
            f"</figure><table>{rows}</table>"
        )
    return document("growth", body)


if __name__ == "__main__":
    main()
