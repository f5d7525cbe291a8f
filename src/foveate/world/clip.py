"""A rendered clip: a video seen by a moving camera, and beside it the truth of every frame."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foveate.world.coco import is_rendered, pieces
from foveate.world.crew import render_segments
from foveate.world.errors import OrderError
from foveate.world.files import appearing
from foveate.world.scenarios import builder, usual_size
from foveate.world.segments import ClipOrder, Folder
from foveate.world.video import join_h264

Progress = Callable[[int, int], None]
"""Called with the number of frames done and the number wanted."""


def render_clip(
    scenario: str,
    *,
    seconds: float,
    size: tuple[int, int] | None = None,
    seed: int,
    fps: int = 30,
    out: Path,
    crf: int = 18,
    progress: Progress | None = None,
    processes: int = 2,
    unseen: bool = False,
) -> Path:
    """Renders `seconds` of `scenario` to the MP4 file `out` and its truth to `out` with `.json`; returns the latter.

    `size` is `(height, width)`, by default the scenario's own. The truth is COCO JSON with one image for each frame
    (`frame`) and `track_id` and `visible` on each annotation. The same seed gives the same bytes of truth, however many
    `processes` share the work. Finished segments wait in a folder beside `out`; a run that was cut short goes on from
    them. `unseen`: of object families and textures that no training picture shows. Raises `OrderError` on bad numbers,
    an unknown scenario, a path that is not an `.mp4`, the unfinished run of another clip or boxes of others in the
    place of the truth, `WorldError` where the disk is full, and `RendererError` where nothing can be rendered.
    """
    builder(scenario)
    size = usual_size(scenario) if size is None else size
    order = ClipOrder(scenario=scenario, seconds=seconds, size=size, seed=seed, fps=fps, crf=crf, unseen=unseen)
    out = Path(out)
    if out.suffix != ".mp4" or processes < 1:
        raise OrderError(f"a clip is an .mp4 file of one process or more, got {out.name!r} and {processes}")
    truth_file = out.with_suffix(".json")
    if truth_file.exists() and not is_rendered(truth_file):
        raise OrderError(
            f"{truth_file} is no truth of a rendered clip, and would be replaced by one: name another place"
        )
    folder = Folder(path=out.with_name(f".{out.stem}.parts"))
    with folder.claimed(order):
        _render(order, folder, processes, progress)
        with appearing(out) as draft:
            parts = [(folder.video(k), numbers.start) for k, numbers in enumerate(order.segments)]
            join_h264(draft, parts, fps=fps)
            # The truth first: a video that has its name always has its truth.
            with appearing(truth_file) as truth, truth.open("w", encoding="utf-8") as file:
                file.writelines(_truth(order, folder, out.name))
    return truth_file


def _render(order: ClipOrder, folder: Folder, processes: int, progress: Progress | None) -> None:
    pending = [k for k in range(len(order.segments)) if not folder.is_done(k)]
    done = order.frames - sum(len(order.segments[k]) for k in pending)

    def drawn() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, order.frames)

    if progress is not None and done:
        progress(done, order.frames)
    render_segments(order, folder, pending, processes=processes, drawn=drawn)


def _truth(order: ClipOrder, folder: Folder, name: str) -> Iterator[str]:
    """The truth file in pieces: that of a long clip would fill the memory."""
    height, width = order.size
    images: Iterator[dict[str, Any]] = (
        {"id": k + 1, "file_name": name, "frame": k, "height": height, "width": width} for k in range(order.frames)
    )
    annotations = (
        entry for segment in range(len(order.segments)) for frame in folder.frames(segment) for entry in frame
    )
    info = {"scenario": order.scenario, "seed": order.seed, "fps": order.fps, "frames": order.frames}
    return pieces(info={**info, **({"unseen": True} if order.unseen else {})}, images=images, annotations=annotations)
