"""Hyperion's parts: ways to give each class its quality, importance by a few queries, natural breaks, the knapsack, and
what a quality per class costs and is worth.

    python benchmarks/bench_hyperion.py codec|importance|breaks|knapsack|observations|profile --scenes DIR [--rounds N]

DIR holds rendered 4K scenes of one frame, made by `foveate world render plaza-crowd --size 2160x3840 --seconds 0.04
--seed N --out DIR/pN.mp4` for N in 8101..8112: up to 8108 they are profiling scenes, from 8109 on unseen ones. Glances
and observations are kept under $FOVEATE_HOME/hyperion. Cost: a glance 10 s, `profile` 2 minutes a scene, the rest under
a minute. Expected: docs/results.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import timing
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from foveate.codec import VideoReader, decode_classes, decode_jpeg, encode_classes, encode_jpeg
from foveate.core import (
    CLASS_QUALITIES,
    ClassMap,
    ClassProfile,
    Detections,
    DeviceGlance,
    ImportanceMap,
    Pixels,
    Profile,
    class_shares,
    foveate_home,
)
from foveate.estimators import (
    classify_patches,
    goodness_of_variance_fit,
    importance_classes,
    load_profile,
    natural_breaks,
    write_profile,
)
from foveate.evaluation.progress import Steps
from foveate.metrics import read_coco, with_ignore_rules
from foveate.models import Detector, GlancingDetector, ImportanceOptions, load_detector
from foveate.models.block import ScoreReader
from foveate.models.importance import ImportanceReader
from foveate.models.layout import FrameGroup
from foveate.policies import best_choice, whole_kib
from foveate.profiling import provenance_of
from foveate.profiling.hyperion import (
    ClassObservation,
    append_class_observation,
    glance_classes,
    observe_classes,
    read_class_observations,
    wish_of,
)
from foveate.profiling.hyperion_fit import fit_classes, judge_classes, pooled_accuracy

FIRST_UNSEEN = 8109
SEEN_SIZE = (1080, 1920)
QUALITIES = ((10, 50, 90), (30, 70, 95), (50, 90, 100))
Codec = Callable[[Pixels, ClassMap, tuple[int, ...]], tuple[int, Pixels]]


def profiling_scenes(folder: Path) -> list[Path]:
    """The scenes in a folder that qualities, weights and thresholds may be chosen on."""
    return [path for path in sorted(folder.glob("p*.mp4")) if int(path.stem[1:]) < FIRST_UNSEEN]


def main() -> None:
    """One part, printed and perhaps written."""
    options = parsed()
    print(timing.machine())
    report = PARTS[options.part](options)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


# Codec: bytes, PSNR and time of three ways and of separate frames.


def mosaics(pixels: Pixels, classes: ClassMap, qualities: tuple[int, ...]) -> tuple[int, Pixels]:
    """One mosaic of patches for each class."""
    encoded = encode_classes(pixels, classes, qualities)
    return encoded.size_bytes, decode_classes(encoded, frame_size=pixels.shape[:2])


def composite(pixels: Pixels, classes: ClassMap, qualities: tuple[int, ...]) -> tuple[int, Pixels]:
    """Low classes encoded and decoded at their own quality, put into the frame, which is encoded once at the best."""
    best = max(qualities)
    decoded = decode_classes(encode_classes(pixels, classes, qualities), frame_size=pixels.shape[:2])
    kept = by_pixel(np.asarray(qualities)[classes] == best)
    data = encode_jpeg(np.where(kept[..., None], pixels, decoded), quality=best)
    return len(data), decode_jpeg(data, size=pixels.shape[:2])


def separate(pixels: Pixels, classes: ClassMap, qualities: tuple[int, ...]) -> tuple[int, Pixels]:
    """The whole frame once for each quality; each patch from the frame of its class."""
    frames = [encode_jpeg(pixels, quality=quality) for quality in qualities]
    decoded = [decode_jpeg(frame, size=pixels.shape[:2]) for frame in frames]
    label = by_pixel(classes)[..., None]
    return sum(map(len, frames)), np.choose(label, decoded)


def requantised(pixels: Pixels, classes: ClassMap, qualities: tuple[int, ...]) -> tuple[int, Pixels]:
    """One stream of the best quality whose coefficients are rounded as the class's quality would.

    No binding gives libjpeg its coefficients, so they go through their inverse transform; the few that rounding to
    whole grey levels disturbs cost next to nothing. The time is numpy's and says nothing about a binding's.
    """
    best = max(qualities)
    tables = [quantisation(quality) for quality in qualities]
    luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
    half = (luma.shape[1] // 2, luma.shape[0] // 2)
    chroma = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (blue, red)]
    planes = [
        rounded_plane(luma, classes.repeat(2, axis=0).repeat(2, axis=1), [t[0] for t in tables], quantisation(best)[0]),
        *(rounded_plane(plane, classes, [t[1] for t in tables], quantisation(best)[1]) for plane in chroma),
    ]
    data = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=best)
    return len(data), decode_jpeg(data, size=pixels.shape[:2])


def quantisation(quality: int) -> list[NDArray[np.float32]]:
    """Tables of luma and chroma `(64,)`, row by row, as libjpeg writes them into a file of that quality."""
    data, found = encode_jpeg(np.zeros((16, 16, 3), np.uint8), quality=quality), {}
    place = 2
    while len(found) < 2:
        length = int.from_bytes(data[place + 2 : place + 4])
        if data[place + 1] == 0xDB:
            body = data[place + 4 : place + 2 + length]
            for start in range(0, len(body), 65):
                found[body[start]] = np.frombuffer(body[start + 1 : start + 65], np.uint8)
        place += 2 + length
    order = sorted(np.ndindex(8, 8), key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))
    rows = np.array([8 * row + column for row, column in order])
    tables = []
    for number in (0, 1):
        table = np.empty(64, np.float32)
        table[rows] = found[number]
        tables.append(table)
    return tables


def rounded_plane(
    plane: NDArray[np.uint8], label: ClassMap, tables: list[NDArray[np.float32]], best: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """A plane whose 8 x 8 blocks have coefficients of their class's table, in steps of the best table."""
    rows, columns = label.shape
    blocks = plane.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3).reshape(-1, 64).astype(np.float32) - 128
    angle = (2 * np.arange(8) + 1) * np.arange(8)[:, None] * np.pi / 16
    axis = np.cos(angle) * np.where(np.arange(8) == 0, np.sqrt(1 / 8), 0.5)[:, None]
    transform = np.kron(axis, axis).astype(np.float32)
    steps = np.stack(tables)[label.reshape(-1)]
    coefficients = np.round((blocks @ transform.T) / steps) * steps
    restored = (np.round(coefficients / best) * best) @ transform + 128
    pixels = np.clip(np.round(restored), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels.reshape(rows, columns, 8, 8).transpose(0, 2, 1, 3)).reshape(plane.shape)


CODECS: dict[str, Codec] = {
    "mosaics": mosaics,
    "composite": composite,
    "requantised": requantised,
    "separate frames": separate,
}


def bench_codec(options: argparse.Namespace) -> dict[str, Any]:
    """Bytes and PSNR over scenes, times on the first."""
    table = Table("qualities", "way", "KiB", "of mosaics", "PSNR by class, dB", "encode + decode, ms", "x one frame")
    scenes = [(frame_of(scene), classes_of(scene, options)) for scene in options.scenes[:3]]
    report: dict[str, Any] = {}
    for qualities in QUALITIES:
        times = codec_times(*scenes[0], qualities, options.rounds)
        ours = [mosaics(*scene, qualities)[0] for scene in scenes]
        for name, codec in CODECS.items():
            made = [codec(*scene, qualities) for scene in scenes]
            sizes = [size for size, _ in made]
            errors = [psnr_by_class(p, decoded, c) for (p, c), (_, decoded) in zip(scenes, made, strict=True)]
            found = {
                "kib": float(np.mean(sizes)) / 1024,
                "share": float(np.mean(np.divide(sizes, ours))),
                "psnr": np.mean(errors, axis=0).tolist(),
                "ratio": timing.median_ratio(times[name], times["one frame"]),
            }
            psnr = " / ".join(f"{value:.1f}" for value in found["psnr"])
            cells = f"{found['kib']:.0f}", f"{found['share']:.2f}", psnr, timing.milliseconds(times[name])
            table.add_row(str(qualities), name, *cells, f"{found['ratio']:.2f}")
            report[f"{qualities} {name}"] = found
    Console(width=150).print(table)
    return report


def codec_times(pixels: Pixels, classes: ClassMap, qualities: tuple[int, ...], rounds: int) -> dict[str, list[float]]:
    """Seconds of encoding and decoding, beside one frame of the best quality."""

    def one_frame() -> Pixels:
        return decode_jpeg(encode_jpeg(pixels, quality=max(qualities)), size=pixels.shape[:2])

    calls: dict[str, Callable[[], object]] = {"one frame": one_frame}
    calls |= {name: (lambda way=codec: way(pixels, classes, qualities)) for name, codec in CODECS.items()}
    return timing.interleaved(calls, rounds=rounds)


def psnr_by_class(pixels: Pixels, decoded: Pixels, classes: ClassMap) -> list[float]:
    """dB over the pixels of each class."""
    squares = ((pixels.astype(np.float32) - decoded) ** 2).mean(axis=2)
    label = by_pixel(classes)
    return [10 * np.log10(255**2 / squares[label == k].mean()) for k in range(3)]


def by_pixel(patches: NDArray[Any]) -> NDArray[Any]:
    """A map of patches as one of pixels."""
    return patches.repeat(16, axis=0).repeat(16, axis=1)


# Importance: a few queries against all.


def bench_importance(options: argparse.Namespace) -> dict[str, Any]:
    """Extra time, rank correlation and classes of the running modes, at the reduced size."""
    detector = load_detector(options.model)
    torch.set_num_threads(1)
    subsets = tuple(options.subsets) if options.subsets else None
    running = {
        "lattice, every 2nd": ImportanceOptions(step=2, subsets=subsets),
        "lattice, every 4th": ImportanceOptions(subsets=subsets),
        "lattice, every 8th": ImportanceOptions(step=8, subsets=subsets),
        "sample, 1 in 16": ImportanceOptions(queries="sample", subsets=subsets),
        "all, float32": ImportanceOptions(queries="all", subsets=subsets),
    }
    report: dict[str, Any] = {name: {"rank": [], "same": [], "ratio": []} for name in running}
    for scene in options.scenes[: options.rounds]:
        pixels = reduced(frame_of(scene))
        maps = {}
        for name, chosen in running.items():
            maps[name], ratio = timed_importance(detector, pixels, chosen)
            report[name]["ratio"].append(ratio)
        exact = maps["all, float32"]
        for name, found in maps.items():
            report[name]["rank"].append(rank_correlation(found, exact))
            classes, wanted = (classify_patches(values, scale=options.scale) for values in (found, exact))
            report[name]["same"].append(float((classes == wanted).mean()))
    table = Table("queries", "x the pass without", "least rank correlation", "least same class", title=f"{SEEN_SIZE}")
    for name, found in report.items():
        ratios = f"{np.median(found['ratio']):.3f} ({min(found['ratio']):.3f}-{max(found['ratio']):.3f})"
        table.add_row(name, ratios, f"{min(found['rank']):.4f}", f"{min(found['same']):.4f}")
    Console(width=150).print(table)
    return report


def timed_importance(detector: Detector, pixels: Pixels, chosen: ImportanceOptions) -> tuple[ImportanceMap, float]:
    """Importance, and the time of a pass with its reading over that without: both within one pass."""
    reader, spent = ImportanceReader(chosen, detector.config.backbone.subsets), 0.0

    def timed(read: ScoreReader) -> ScoreReader:
        def call(query: torch.Tensor, key: torch.Tensor, group: FrameGroup) -> None:
            nonlocal spent
            start = time.perf_counter()
            read(query, key, group)
            spent += time.perf_counter() - start

        return call

    start = time.perf_counter()
    detector.detect_batch([pixels], readers={subset: timed(read) for subset, read in reader.readers().items()})
    whole = time.perf_counter() - start
    return reader.importance()[0], whole / (whole - spent)


def rank_correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(values, axis=None)) for values in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


# Natural breaks on maps of 32,400 patches.


def bench_breaks(options: argparse.Namespace) -> dict[str, Any]:
    """Time, goodness of variance fit and classes against the exact algorithm."""
    report: dict[str, Any] = {}
    table = Table("scale", "bins", "ms", "least fit / exact", "least same class", "class 0")
    for scale, bins in product(("linear", "log"), (256, 512, 1024, 2048, None)):
        fits, same, low = [], [], []
        for scene in options.scenes:
            values = glance_of(scene, options).importance
            values = values if scale == "linear" else np.log(values)
            exact, found = (importance_classes(values, natural_breaks(values, bins=b)) for b in (None, bins))
            fits.append(goodness_of_variance_fit(values, found) / goodness_of_variance_fit(values, exact))
            same.append(float((found == exact).mean()))
            low.append(float(class_shares(found)[0]))
        call = lambda v=values, b=bins: natural_breaks(v, bins=b)  # noqa: E731
        times = timing.interleaved({"breaks": call}, rounds=5 * options.rounds)["breaks"]
        cells = f"{1e3 * np.median(times):.1f}", f"{min(fits):.6f}", f"{min(same):.4f}", f"{np.mean(low):.3f}"
        table.add_row(scale, str(bins), *cells)
        report[f"{scale} {bins}"] = {"ms": 1e3 * float(np.median(times)), "fit": min(fits), "same": min(same)}
    Console(width=150).print(table)
    return report


# Knapsack: a plausible frame.


def bench_knapsack(options: argparse.Namespace) -> dict[str, Any]:
    """Time of the dynamic programme and of enumeration, over budgets."""
    accuracy = np.outer([0.0005, 0.001, 0.0015], CLASS_QUALITIES)
    sizes = whole_kib(3.7e6 * np.outer([0.75, 0.2, 0.05], [0.06, 0.1, 0.15, 0.2, 0.35, 0.55, 1.0]))
    report: dict[str, Any] = {}
    for budget in (250, 500, 1000, 2000, 4000):
        calls = {
            "programme": lambda b=budget: best_choice(accuracy, sizes, b),
            "enumeration": lambda b=budget: enumerated(accuracy, sizes, b),
        }
        times = timing.interleaved(calls, rounds=20 * options.rounds)
        report[str(budget)] = {name: 1e3 * float(np.median(found)) for name, found in times.items()}
        print(f"budget {budget} KiB: {report[str(budget)]}, {best_choice(accuracy, sizes, budget)}")
    return report


def enumerated(accuracy: NDArray[np.float64], sizes: NDArray[np.int64], budget: int) -> tuple[int, ...]:
    """All choices at once, for three classes."""
    worth = accuracy[0][:, None, None] + accuracy[1][:, None] + accuracy[2]
    used = sizes[0][:, None, None] + sizes[1][:, None] + sizes[2]
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.where(used <= budget, worth, -np.inf)), used.shape))


# The paper's observations 2 and 3: where importance lies.


def bench_observations(options: argparse.Namespace) -> dict[str, Any]:
    """Shares of classes in frames and in objects, and what downsampling low classes saves, without refinement."""
    rows = [observed_scene(scene, options) for scene in options.scenes]
    table = Table("figure", "mean", "least", "most", title=f"{len(rows)} scenes")
    report = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        table.add_row(name, *(f"{value:.3f}" for value in (np.mean(values), min(values), max(values))))
        report[name] = [float(np.mean(values)), min(values), max(values)]
    Console(width=150).print(table)
    return report


def observed_scene(scene: Path, options: argparse.Namespace) -> dict[str, float]:
    """One frame. Rates are of pixels, as in the paper: rate 4 keeps every second row and column."""
    importance = glance_of(scene, options).importance
    classes = classify_patches(importance, scale=options.scale)
    truth = with_ignore_rules(read_coco(scene.with_suffix(".json"))[0].truth, frame_height=2160).detections
    covered = np.zeros((classes.shape[0] * 16, classes.shape[1] * 16), np.bool_)
    for left, top, right, bottom in truth.boxes.round().astype(int).tolist():
        covered[max(0, top) : bottom, max(0, left) : right] = True
    frame, objects = class_shares(classes), class_shares(by_pixel(classes)[covered])
    area = covered.reshape(classes.shape[0], 16, -1, 16).mean(axis=(1, 3))
    found = {f"class {k} of patches": float(frame[k]) for k in range(3)}
    found |= {f"class {k} of object area": float(objects[k]) for k in range(3)}
    return found | {
        "objects of the frame": float(covered.mean()),
        "object above no object (AUC)": ordering(importance[area > 0], importance[area == 0]),
        "pixels sent, class 0 at rate 4": float(1 - 0.75 * frame[0]),
        "pixels sent, class 0 at rate 4, class 1 at 2": float(1 - 0.75 * frame[0] - 0.5 * frame[1]),
        "bytes at quality 90, class 0 at rate 4": downsampled_bytes(frame_of(scene), classes, (4, 1, 1)),
        "bytes at quality 90, class 0 at rate 4, class 1 at 2": downsampled_bytes(frame_of(scene), classes, (4, 2, 1)),
    }


def ordering(high: NDArray[np.float32], low: NDArray[np.float32]) -> float:
    """Probability that one of `high` lies above one of `low` (Mann and Whitney)."""
    ranks = np.argsort(np.argsort(np.concatenate([high, low])))
    return float((ranks[: len(high)].mean() - (len(high) - 1) / 2) / len(low))


def downsampled_bytes(pixels: Pixels, classes: ClassMap, rates: tuple[int, ...]) -> float:
    """Bytes of the classes' patches, each class in one picture at its rate, over those at full size."""
    tiles = pixels.reshape(classes.shape[0], 16, classes.shape[1], 16, 3).transpose(0, 2, 1, 3, 4)
    total = []
    for chosen in ((1, 1, 1), rates):
        size = 0
        for number, rate in enumerate(chosen):
            patches = tiles[classes == number]
            side = {1: (16, 16), 2: (8, 16), 4: (8, 8)}[rate]
            small = np.stack([cv2.resize(patch, side, interpolation=cv2.INTER_AREA) for patch in patches])
            whole = small[: len(small) // 60 * 60].reshape(-1, 60, side[1], side[0], 3)
            picture = whole.transpose(0, 2, 1, 3, 4).reshape(-1, 60 * side[0], 3)
            size += len(encode_jpeg(np.asarray(picture, np.uint8), quality=90)) if len(picture) else 0
        total.append(size)
    return total[1] / total[0]


# Profile: equations 3 and 4 on scenes that the fit has not seen.


def bench_profile(options: argparse.Namespace) -> dict[str, Any]:
    """Measures what is missing, fits to the profiling scenes and judges on the others."""
    path = foveate_home() / "hyperion" / f"observations-{options.name}.jsonl"
    known = {observation.scene for observation in read_class_observations(path)}
    missing = [scene for scene in options.scenes if scene.stem not in known and not options.known_only]
    if missing:
        measure_scenes(missing, path, options)
    observations = read_class_observations(path)
    profiling = [o for o in observations if int(o.scene[1:]) < FIRST_UNSEEN]
    unseen = [o for o in observations if int(o.scene[1:]) >= FIRST_UNSEEN]
    profile = fit_classes(profiling)
    figures = judge_classes(profile, unseen)
    print_profile(profile, observations, figures)
    if options.into:
        write_profile(with_classes(profile, figures, profiling, options), options.into)
    return {"profiling": len(profiling), "unseen": len(unseen), "figures": figures}


def with_classes(
    fitted: ClassProfile, figures: dict[str, float], profiling: list[ClassObservation], options: argparse.Namespace
) -> Profile:
    """A profile of this machine's times that knows importance classes."""
    origin = provenance_of(load_detector(options.model), [])
    scenes = ", ".join(o.scene for o in profiling)
    sources = (
        f"benchmarks/bench_hyperion.py profile --name {options.name}: plaza-crowd at 2160 x 3840, scenes {scenes}",
        f"glances at {SEEN_SIZE}, subsets {options.subsets or 'last'}, {options.scale} scale; pictures of 1024 x 1024",
    )
    subsets = load_detector(options.model).restoration_points[-1]
    made = wish_of(options.importance, options.subsets or (), options.scale, count=subsets)
    classes = replace(fitted, provenance=replace(origin, sources=sources), quality_of_fit=figures, importance=made)
    return replace(load_profile("cpu-2core-vitdet-tiny"), name=options.into.stem, content=None, classes=classes)


def measure_scenes(missing: list[Path], path: Path, options: argparse.Namespace) -> None:
    """One line for each scene."""
    detector: Detector = load_detector(options.model)
    with Steps(Console(stderr=True)) as steps:
        progress = steps.begin("scenes", len(missing))
        for number, scene in enumerate(missing, 1):
            truth = with_ignore_rules(read_coco(scene.with_suffix(".json"))[0].truth, frame_height=2160)
            classes = classes_of(scene, options)
            found = observe_classes(frame_of(scene), truth, classes, detector.detect, scene=scene.stem)
            append_class_observation(path, found)
            progress(number)


def print_profile(profile: ClassProfile, observations: list[ClassObservation], figures: dict[str, float]) -> None:
    """The fit, what it was made of, and how it does elsewhere."""
    table = Table("qualities", "F1", "KiB", title=f"{len(observations)} scenes")
    for qualities, f1 in sorted(pooled_accuracy(observations).items()):
        size = np.mean([o.size(qualities) for o in observations]) / 1024
        table.add_row(str(qualities), f"{f1:.3f}", f"{size:.0f}")
    console = Console(width=150)
    console.print(table)
    console.print("shares", np.mean([o.shares for o in observations], axis=0).round(3))
    console.print("line", profile.line, "accuracy", profile.accuracy)
    console.print("table", np.round(profile.table.ratio, 3), "accuracy", np.round(profile.accuracy_table.worth, 4))
    console.print({name: round(value, 4) for name, value in figures.items()})


# Scenes and glances.


def frame_of(scene: Path) -> Pixels:
    """The only frame."""
    with VideoReader(scene) as reader:
        return next(reader)


def reduced(pixels: Pixels) -> Pixels:
    """As the device's model sees it."""
    return np.asarray(cv2.resize(pixels, SEEN_SIZE[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def glance_of(scene: Path, options: argparse.Namespace) -> DeviceGlance:
    """What the device's model says, made once."""
    subsets = tuple(options.subsets) if options.subsets else None
    source = ["boxes"] if options.importance == "boxes" else list(map(str, subsets or ("last",)))
    path = foveate_home() / "hyperion" / f"{'-'.join([scene.stem, options.model, *source])}.npz"
    if not path.is_file():
        attention = ImportanceOptions(subsets=subsets)
        model = GlancingDetector(
            load_detector(options.model), seen_size=SEEN_SIZE, options=attention, importance=options.importance
        )
        glance = model(frame_of(scene))
        path.parent.mkdir(parents=True, exist_ok=True)
        found = glance.detections
        np.savez(path, importance=glance.importance, boxes=found.boxes, scores=found.scores, class_id=found.class_id)
    with np.load(path) as kept:
        found = Detections(
            boxes=kept["boxes"],
            scores=kept["scores"],
            class_id=kept["class_id"],
            class_names=load_detector(options.model).class_names,
        )
        return DeviceGlance(detections=found, importance=kept["importance"])


def classes_of(scene: Path, options: argparse.Namespace) -> ClassMap:
    """Refined classes."""
    return glance_classes(glance_of(scene, options), scale=options.scale)


PARTS = {
    "codec": bench_codec,
    "importance": bench_importance,
    "breaks": bench_breaks,
    "knapsack": bench_knapsack,
    "observations": bench_observations,
    "profile": bench_profile,
}


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--scenes", type=Path, required=True, help="folder of rendered scenes")
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--subsets", type=int, nargs="*", help="global blocks whose attention counts; default the last")
    parser.add_argument("--importance", choices=("attention", "boxes"), default="attention")
    parser.add_argument("--scale", choices=("linear", "log"), default="linear", help="of importance, for classes")
    parser.add_argument("--name", default="default", help="of the file of observations")
    parser.add_argument("--known-only", action="store_true", help="measure nothing, take what is there")
    parser.add_argument("--into", type=Path, metavar="FILE.json", help="profile to write the fit into")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.scenes = sorted(options.scenes.glob("p*.mp4"))
    return options


if __name__ == "__main__":
    main()
