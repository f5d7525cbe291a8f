"""Times of this machine as a pinned live run meets them.

Device and server have one core each. Decoding and inference are measured on the server's core in a process of their
own, while the device's loop runs on the other; encoding, motion and tracking on the device's core beside its camera.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.core import FoveateError, Pixels, Profile, Provenance, RegionGrid, ServerProfile
from foveate.core.interrupts import interrupts_held
from foveate.device.pins import pinned_to, two_cores
from foveate.policies import QUALITIES
from foveate.profiling.codec import codec_profile, measure_decoding, measure_encoding
from foveate.profiling.device import measure_device, some_objects
from foveate.profiling.device_loop import DeviceLoop
from foveate.profiling.measure import Begin, Sampling, clip_frames, provenance_of
from foveate.profiling.server import measure_server
from foveate.server import DetectorLike

_SPAWN = get_context("spawn")
OBJECTS = 12
"""Tracked while the server is measured."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _ServerTimes:
    """What the server's process found."""

    grid: RegionGrid
    server: ServerProfile
    decode: NDArray[np.float64]
    provenance: Provenance


def load_by_name(name: str) -> DetectorLike:
    """The detector called `name`; torch is imported here, in the process that needs it."""
    from foveate.models import load_detector  # noqa: PLC0415

    return load_detector(name)


def measure_machine_pinned(
    video: Path, load: Callable[[], DetectorLike], *, name: str, begin: Begin, sampling: Sampling | None = None
) -> Profile:
    """As `measure_machine`. `load` is called in another process, so it must be importable there by its name.

    Raises `InputError` where there are not two cores.
    """
    chosen = sampling or Sampling()
    device_core, server_core = two_cores()
    frames = clip_frames(video)
    grid = RegionGrid(height=frames[0].shape[0], width=frames[0].shape[1])
    with pinned_to(device_core), DeviceLoop(video, objects=(some_objects(grid, OBJECTS), grid)):
        times = _in_child(server_core, load, frames[0], chosen.repeats, begin("server"))
    with pinned_to(device_core), DeviceLoop(video):
        spaced = frames[:: max(1, len(frames) // 3)][:3]
        encode = measure_encoding(
            spaced, times.grid, qualities=QUALITIES, repeats=chosen.repeats, progress=begin("codec")
        )
        device = measure_device(frames, times.grid, cores=1)
    return Profile(
        name=name,
        provenance=replace(
            times.provenance,
            sources=(f"foveate profile all --pin on {video.name}: device and server on a core each, camera running",),
        ),
        codec=codec_profile(times.grid, QUALITIES, encode, times.decode),
        server=times.server,
        device=device,
    )


def _in_child(
    core: int, load: Callable[[], DetectorLike], pixels: Pixels, repeats: int, progress: Callable[[int, int], None]
) -> _ServerTimes:
    pipe, other_end = _SPAWN.Pipe()
    with pinned_to(core), interrupts_held():  # the child has its core before it imports anything
        child = _SPAWN.Process(target=_child, args=(other_end, load, pixels, repeats), daemon=True)
        child.start()
    other_end.close()
    try:
        while True:
            match pipe.recv():
                case (int(done), int(wanted)):
                    progress(done, wanted)
                case _ServerTimes() as times:
                    return times
                case str(problem):
                    raise FoveateError(f"the server's times could not be measured: {problem}")
    except EOFError:
        raise FoveateError("the process that measures the server's times ended too early") from None
    finally:
        pipe.close()
        child.join(3)
        child.kill()


def _child(pipe: Connection, load: Callable[[], DetectorLike], pixels: Pixels, repeats: int) -> None:
    try:
        detector = load()
        grid = detector.region_grid(*pixels.shape[:2])
        server = measure_server(
            detector, pixels, repeats=repeats, progress=lambda done, wanted: pipe.send((done, wanted))
        )
        decode = measure_decoding([pixels], grid, qualities=QUALITIES, repeats=repeats)
        found = provenance_of(detector, [])
        pipe.send(_ServerTimes(grid=grid, server=server, decode=decode, provenance=found))
    except (FoveateError, OSError, ImportError) as error:
        pipe.send(str(error))
