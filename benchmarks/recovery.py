"""How soon a live run with a real model offloads again after its link stood still or its server was killed.

    python benchmarks/recovery.py [--video CLIP] [--model NAME] [--rounds 3]

Device, link and server are processes of this machine and share its cores; `track-b2b` on the clip in a loop at its own
rate. A fault begins while offloads go on. Recovery is the time from its end (for a restart: from the server's line that
it is ready) to the start of the next offload, and to the result of the first one that began after it.
Cost: 2 minutes at 3 rounds. Expected: docs/results.md, "Lost servers and links".
"""

import argparse
import signal
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

from timing import machine

from foveate.testing.live import FOVEATE, Process, RecordedRun, free_address, wait_until

SAMPLES = Path(__file__).parents[1] / "src" / "foveate" / "samples"
STALLS_S = (3.0, 10.0)


def main() -> None:
    """Measure and print one line for each kind of fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=SAMPLES / "street.mp4")
    parser.add_argument("--trace", type=Path, default=SAMPLES / "uplink.csv")
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine())
    far, near = free_address(), free_address()
    with ExitStack() as stack:
        server = stack.enter_context(Process(FOVEATE, "serve", "--model", options.model, "--address", far))
        link = stack.enter_context(
            Process(FOVEATE, "link", "--trace", options.trace, "--server", far, "--listen", near)
        )
        run = RecordedRun(options.video, near)
        assert run.wait_for_offload(patience_s=60)
        for away_s in STALLS_S:
            report(f"link stopped for {away_s:g} s", [stalled(run, link, away_s) for _ in range(options.rounds)])
        report("server killed, started again", [restarted(run, server) for _ in range(options.rounds)])
        run.stop()
    gaps = [b.displayed_at - a.displayed_at for a, b in zip(run.frames, run.frames[1:], strict=False)]
    print(f"{len(run.frames)} frames displayed, longest gap {1e3 * max(gaps):.0f} ms")


def stalled(run: RecordedRun, link: Process, away_s: float) -> tuple[float, float]:
    """Stop the link in the middle of the run, and let it go on."""
    time.sleep(2)
    link.signal(signal.SIGSTOP)
    time.sleep(away_s)
    link.signal(signal.SIGCONT)
    return recovery(run, time.monotonic())


def restarted(run: RecordedRun, server: Process) -> tuple[float, float]:
    """Kill the server in the middle of the run, and start another one on its address."""
    time.sleep(2)
    server.kill()
    server.start()
    return recovery(run, time.monotonic())


def recovery(run: RecordedRun, back_at: float) -> tuple[float, float]:
    """Seconds to the start of the next offload, and to the first result of one that began after `back_at`."""
    landed_at = run.wait_for_offload(back_at, patience_s=30)
    assert landed_at is not None, "no result within 30 s"
    wait_until(lambda: first_start(run, back_at) is not None)
    started_at = first_start(run, back_at)
    assert started_at is not None
    return started_at - back_at, landed_at - back_at


def first_start(run: RecordedRun, when: float) -> float | None:
    """When the first offload after `when` began, whatever became of it."""
    starts = [event.record.started_at for event in list(run.offloads) if event.record.started_at > when]
    return min(starts, default=None)


def report(name: str, recoveries: list[tuple[float, float]]) -> None:
    """One line: all rounds and the medians."""
    for what, values in zip(("next offload begins", "its result"), zip(*recoveries, strict=True), strict=True):
        listed = ", ".join(f"{value:.2f}" for value in values)
        print(f"{name}: {what} after {listed} s (median {statistics.median(values):.2f})", flush=True)


if __name__ == "__main__":
    main()
