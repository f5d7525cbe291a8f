"""Measures what configurations bring on the frames of a clip: sizes, and F1 against the model's own full result.

What the device knows is as a device would have it: motion from the frames before, objects tracked for 1 to 30 frames
from a result that may itself have been degraded.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from foveate.codec import EncodedFrame, VideoReader, decode_frame, encode_frame
from foveate.core import (
    Candidates,
    Detections,
    FrameContent,
    InputError,
    LastOffload,
    Mask,
    MixedFrame,
    Pixels,
    RegionGrid,
)
from foveate.estimators import detail_share, mean_detail, task_relevance
from foveate.metrics import F1Counter, Truth, with_ignore_rules
from foveate.policies import configurations, region_types
from foveate.profiling.observations import (
    Objects,
    Observation,
    Trial,
    append_observation,
    numbers,
    read_observations,
)
from foveate.profiling.repeat import Progress, silent
from foveate.profiling.rows import all_candidates
from foveate.server import DetectorLike
from foveate.tracking import GreyPair, Motion, MotionAnalyser, Tracker, reduce, region_detail

LONGEST_TRACK = 30
"""Frames."""
WHOLE_AT_FIRST = 0.3
"""Share of last offloads that are whole frames at quality 95, as before a first result; the others are drawn."""
BATCH = 4
"""Frames that go through the model together."""


@dataclass(frozen=True, kw_only=True)
class ContentSampling:
    """Which frames and configurations of a clip are measured. Raises `InputError` on numbers out of range."""

    every: int = 30
    """One frame of this many."""
    per_frame: int = 12
    """Configurations tried on each, drawn from all."""
    complete: int = 0
    """On so many of these frames, spread over the clip, all configurations are tried."""
    seed: int = 0
    until: int | None = None
    """Frames of the clip from this on are left out; None: the whole clip."""

    def __post_init__(self) -> None:
        if self.every < 1 or self.per_frame < 0 or self.complete < 0:
            raise InputError(
                "need one frame of every 1 or more, and no fewer than 0 configurations and complete frames, "
                f"got {self.every}, {self.per_frame} and {self.complete}"
            )


def measure_content(
    video: Path,
    detector: DetectorLike,
    path: Path,
    *,
    sampling: ContentSampling,
    progress: Progress = silent,
) -> list[Observation]:
    """Observations of one clip, appended to the file `path` as they come: what is there already is not redone.

    A frame on which more configurations are wanted than were tried is completed. The file must have been made with
    the same `every` and `seed`.
    """
    known = {observation.frame: observation for observation in read_observations(path)}
    with VideoReader(video) as reader:
        count = reader.frame_count or _counted(video)
        end = count if sampling.until is None else min(count, sampling.until)
        # The first frame of all has no earlier one that its objects could be tracked from.
        frames = range(max(min(sampling.every, LONGEST_TRACK) - 1, 1), end, sampling.every)
        grid = detector.region_grid(*reader.size)
        watch = _Watch(detector=detector, grid=grid, sampling=sampling, frames=frames, known=known)
        if watch.unfinished:
            for index, pixels in zip(range(end), reader, strict=False):
                for observation in watch.see(index, pixels):
                    append_observation(path, observation)
                progress(sum(frame <= index for frame in frames), len(frames))
    progress(len(frames), len(frames))
    return [observation for observation in read_observations(path) if observation.frame in frames]


def _counted(video: Path) -> int:
    """Frames of a file that does not say how many it has."""
    with VideoReader(video) as reader:
        return sum(1 for _ in reader)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """A frame, reduced."""

    index: int
    grey: GreyPair
    motion: Motion


@dataclass(frozen=True, kw_only=True, eq=False)
class _Result:
    """What the model saw in a frame under some plan."""

    index: int
    detections: Detections
    last: LastOffload | None = None
    """Its offload, `frames_ago` 0; None for the frame as it is."""


@dataclass(kw_only=True, eq=False)
class _Watch:
    """Sees a clip's frames one after the other and stops at those that are measured."""

    detector: DetectorLike
    grid: RegionGrid
    sampling: ContentSampling
    frames: range
    known: Mapping[int, Observation]
    """Observations of earlier runs, by frame."""
    _tail: deque[_Seen] = field(default_factory=deque, init=False)
    _truth: _Result | None = field(default=None, init=False)
    """Of the latest measured frame."""
    _starts: dict[int, _Result] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._analyser = MotionAnalyser(self.grid)
        self._tail = deque(maxlen=LONGEST_TRACK + self.sampling.every + 2)
        self._offloaded_for = {frame: frame - self._age(frame) for frame in self.frames if frame not in self.known}

    @property
    def unfinished(self) -> bool:
        """Whether there is a frame on which something is still to be tried."""
        return any(frame not in self.known or self._missing(self.known[frame]) for frame in self.frames)

    def see(self, index: int, pixels: Pixels) -> list[Observation]:
        """The next frame; an observation if it is one of those wanted and not known, or not wholly."""
        grey = reduce(pixels)
        self._tail.append(_Seen(index=index, grey=grey, motion=self._analyser.update(grey)))
        for frame in [frame for frame, start in self._offloaded_for.items() if start == index]:
            self._starts[frame] = self._offload(frame, pixels)
        if index not in self.frames:
            return []
        bare = self.known.get(index) or self._observe(index, pixels, self._starts.pop(index))
        self._truth = _Result(index=index, detections=bare.truth.detections(self.detector.class_names))
        missing = self._missing(bare)
        return (
            [msgspec.structs.replace(bare, trials=[*bare.trials, *self._trials(pixels, bare, missing)])]
            if missing
            else []
        )

    def _rng(self, frame: int, use: int) -> np.random.Generator:
        return np.random.default_rng([self.sampling.seed, frame, use])

    def _age(self, frame: int) -> int:
        return int(self._rng(frame, 0).integers(1, min(LONGEST_TRACK, frame) + 1))

    def _offload(self, frame: int, pixels: Pixels) -> _Result:
        """The result that the objects of `frame` are tracked from: of this earlier frame, under a plan drawn for it."""
        seen, rng = self._tail[-1], self._rng(frame, 1)
        objects = Detections.empty(self.detector.class_names) if self._truth is None else self._tracked(self._truth)[0]
        content = _content(seen, objects, self.grid)
        candidates = configurations(region_types(content), content, restoration_points=self.detector.restoration_points)
        whole = self._truth is None or rng.random() < WHOLE_AT_FIRST
        quality, kind, beta = 95, 0, 0
        if not whole:
            pick = int(rng.integers(len(candidates)))
            kind = int(candidates.downsampling_type[pick])
            quality, beta = int(candidates.jpeg_quality[pick]), int(candidates.restoration_point[pick])
        mask = candidates.masks[kind]
        encoded, mixed = self._sent(pixels, mask, quality)
        detail = region_detail(seen.grey, self.grid)
        return _Result(
            index=seen.index,
            detections=self.detector.detect_batch([mixed], None, [beta])[0],
            last=LastOffload(
                bytes_per_pixel=encoded.size_bytes / self._pixels,
                jpeg_quality=quality,
                downsampled_share=float(mask.mean()),
                detail=mean_detail(self.grid, detail),
                downsampled_detail=detail_share(self.grid, mask, detail),
                frames_ago=0,
            ),
        )

    @property
    def _pixels(self) -> int:
        return self.grid.height * self.grid.width

    def _tracked(self, result: _Result) -> tuple[Detections, float]:
        """Objects of a result in the newest frame, and kappa."""
        greys = [seen.grey for seen in self._tail if seen.index >= result.index]
        tracker = Tracker()
        tracker.restart(result.detections, greys[0])
        tracker.catch_up(greys[1:])
        return tracker.detections(), tracker.retention

    def _sent(self, pixels: Pixels, mask: Mask, quality: int) -> tuple[EncodedFrame, MixedFrame]:
        encoded = encode_frame(pixels, grid=self.grid, mask=mask, quality=quality)
        return encoded, decode_frame(encoded, grid=self.grid, mask=mask)

    def _observe(self, index: int, pixels: Pixels, start: _Result) -> Observation:
        """All but the trials."""
        seen = self._tail[-1]
        objects, retention = self._tracked(start)
        content = _content(seen, objects, self.grid)
        truth = self.detector.detect_batch([pixels])[0]
        assert start.last is not None
        return Observation(
            frame=index,
            grid=self.grid,
            region_motion=numbers(content.region_motion),
            frame_motion=content.frame_motion,
            region_detail=numbers(region_detail(seen.grey, self.grid)),
            class_names=self.detector.class_names,
            objects=Objects.of(objects),
            truth=Objects.of(truth),
            score_threshold=self.detector.score_threshold,
            retention=retention,
            last=_aged(start.last, index - start.index),
            trials=[],
        )

    def _missing(self, observation: Observation) -> list[int]:
        """Places among the frame's configurations of those that are wanted and were not tried: the next ones drawn."""
        count = len(all_candidates(observation, self.detector.restoration_points))
        wanted = count if observation.frame in _spread(self.frames, self.sampling.complete) else self.sampling.per_frame
        drawn = self._rng(observation.frame, 2).permutation(count)
        return [int(place) for place in drawn[len(observation.trials) : wanted]]

    def _trials(self, pixels: Pixels, bare: Observation, places: list[int]) -> list[Trial]:
        """Scored as a run is: objects too small to count are ignored."""
        truth = Truth(detections=bare.truth.detections(self.detector.class_names))
        counted = with_ignore_rules(truth, frame_height=self.grid.height)
        candidates = all_candidates(bare, self.detector.restoration_points)
        sent: dict[tuple[int, int], tuple[EncodedFrame, MixedFrame]] = {}
        trials: list[Trial] = []
        for first in range(0, len(places), BATCH):
            trials += self._batch(pixels, candidates, places[first : first + BATCH], sent, counted)
        return trials

    def _batch(
        self,
        pixels: Pixels,
        candidates: Candidates,
        picked: list[int],
        sent: dict[tuple[int, int], tuple[EncodedFrame, MixedFrame]],
        truth: Truth,
    ) -> list[Trial]:
        """Some configurations of one frame; what differs in its restoration point alone is encoded once."""
        keys = [(int(candidates.downsampling_type[i]), int(candidates.jpeg_quality[i])) for i in picked]
        for kind, quality in keys:
            if (kind, quality) not in sent:
                sent[kind, quality] = self._sent(pixels, candidates.masks[kind], quality)
        points = [int(candidates.restoration_point[i]) for i in picked]
        results = self.detector.detect_batch([sent[key][1] for key in keys], None, points)
        return [
            _trial(key, point, sent[key][0], result, truth)
            for key, point, result in zip(keys, points, results, strict=True)
        ]


def _trial(key: tuple[int, int], point: int, encoded: EncodedFrame, result: Detections, truth: Truth) -> Trial:
    counts = F1Counter().add(result, truth.detections, ignore=truth.ignore)
    return Trial(
        downsampling_type=key[0],
        jpeg_quality=key[1],
        restoration_point=point,
        full_bytes=len(encoded.full),
        low_bytes=len(encoded.low),
        tp=counts.tp,
        fp=counts.fp,
        fn=counts.fn,
    )


def _content(seen: _Seen, objects: Detections, grid: RegionGrid) -> FrameContent:
    return FrameContent(
        region_motion=seen.motion.region_motion,
        frame_motion=seen.motion.frame_motion,
        task_relevance=task_relevance(objects.boxes, grid),
    )


def _aged(last: LastOffload, frames: int) -> LastOffload:
    return LastOffload(**{name: getattr(last, name) for name in last.__dataclass_fields__} | {"frames_ago": frames})


def _spread(frames: Sequence[int], count: int) -> set[int]:
    """`count` of `frames`, evenly, none twice."""
    wanted = min(count, len(frames))
    return {frames[(2 * k + 1) * len(frames) // (2 * wanted)] for k in range(wanted)} if wanted else set()
