"""A server under load: throughput and latency against the number of clients, with and without batches; or a soak.

    python benchmarks/bench_server.py [--model nano] [--clients 1,2,4,8,16,32] [--budgets 512,2048] [--json FILE]
    python benchmarks/bench_server.py --minutes 10 --clients 32

Clients speak the real protocol over loopback, one frame at a time each: the next leaves when the last is answered, so
the server is always full. Their frames are those of the sample clip, cut to different sizes, masks and points and
encoded before. A server for each budget and one without batches stand side by side and are loaded in turns, so that
other work on the machine hits all alike; only ratios within a round mean something there. "cpu" is the time that the
processor spent on the server per result, which other work changes less.

Cost: (budgets and 1) x (numbers of clients) x rounds x seconds. Expected: docs/serving.md.
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from timing import machine

import foveate
from foveate.codec import VideoReader, encode_frame
from foveate.core import OffloadPlan, Pixels, RegionGrid
from foveate.network.messages import Offload
from foveate.network.transports import ZmqChannel, ZmqHub
from foveate.server import BUDGET_TOKENS, DetectorLike, OffloadAnswered, ServerEvent, serve
from foveate.testing.load import Client, Load, run_clients

SAMPLE = Path(foveate.__file__).parent / "samples" / "street.mp4"
WARM_UP_S = 4.0
PICTURES = 12
"""Different frames of each client."""


def load(name: str) -> DetectorLike:
    """A model by name or path, or a shape with random weights: `nano`, `tiny`, `small`."""
    from foveate.models import load_detector, presets  # noqa: PLC0415  # torch stays in the server's process

    shape = getattr(presets, f"vitdet_{name}", None)
    if shape is None:
        return load_detector(name)
    import torch  # noqa: PLC0415

    from foveate.models.weights import choose_dtype, choose_torch_device  # noqa: PLC0415

    torch.manual_seed(0)
    device = choose_torch_device("auto")
    return shape().eval().requires_grad_(requires_grad=False).to(device, choose_dtype("auto", device))


class Batches:
    """Sizes of the batches that ran."""

    def __init__(self) -> None:
        self.frames = 0
        self.batches = 0.0

    def __call__(self, event: ServerEvent) -> None:
        if isinstance(event, OffloadAnswered):
            self.frames += 1
            self.batches += 1 / event.inferred.batch_size


def server_main(pipe: Connection, model: str, budget: int, threads: int, decoders: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    detector, batches = load(model), Batches()

    def stop() -> bool:
        """Tells what it saw when it is asked; ends when the parent leaves."""
        if not pipe.poll(0):
            return False
        try:
            pipe.recv()
        except EOFError:
            return True
        pipe.send((batches.frames, batches.batches))
        batches.__init__()  # type: ignore[misc]
        return False

    with ZmqHub("127.0.0.1:0") as hub:
        pipe.send(hub.port)
        serve(detector, hub, stop=stop, observers=[batches], budget_tokens=budget, decoders=decoders)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server in a process of its own."""

    pipe: Connection
    pid: int
    port: int

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def mean_batch(self) -> float:
        """Frames of a batch since this was last asked."""
        self.pipe.send("batches")
        frames, batches = self.pipe.recv()
        return frames / batches if batches else 0.0


@contextmanager
def started(model: str, budget: int, *, threads: int, decoders: int) -> Iterator[Server]:
    context = get_context("spawn")
    pipe, other_end = context.Pipe()
    process = context.Process(target=server_main, args=(other_end, model, budget, threads, decoders), daemon=True)
    process.start()
    other_end.close()
    assert process.pid is not None
    try:
        yield Server(pipe=pipe, pid=process.pid, port=pipe.recv())
    finally:
        pipe.close()
        process.join(30)
        process.kill()


def pictures(size: tuple[int, int]) -> list[Pixels]:
    """Frames of the sample clip at this size."""
    with VideoReader(SAMPLE) as reader:
        frames = [pixels for index, pixels in enumerate(reader) if index < PICTURES]
    return [cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA) for pixels in frames]


def encoded_frames(size: tuple[int, int], seed: int, *, patience_s: float, full: bool) -> list[Offload]:
    """What a client sends: every picture with a mask and a restoration point of its own."""
    rng = np.random.default_rng(seed)
    grid = RegionGrid(height=size[0], width=size[1])
    offloads = []
    for index, pixels in enumerate(pictures(size)):
        mask = None if full else rng.random(grid.shape) < 0.6
        point = 0 if mask is None else int(rng.integers(1, 5))
        encoded = encode_frame(pixels, grid=grid, mask=mask, quality=80)
        plan = OffloadPlan(downsampling_mask=mask, restoration_point=point, jpeg_quality=80)
        values: dict[str, Any] = {"full": encoded.full, "low": encoded.low, "patience_s": patience_s}
        message = Offload.of(plan, offload_id=0, frame_index=index, grid=grid, score_threshold=0.5, **values)
        offloads.append(message)
    return offloads


def clients_of(server: Server, frames: list[list[Offload]], count: int) -> list[Client]:
    clients = [Client(ZmqChannel(f"127.0.0.1:{server.port}"), frames[i % len(frames)]) for i in range(count)]
    for client in clients:
        if not client.greet():
            raise SystemExit("the server does not answer")
    return clients


def percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else float("nan")


def measured(server: Server, frames: list[list[Offload]], count: int, seconds: float) -> dict[str, Any]:
    """One cell of the table."""
    clients = clients_of(server, frames, count)
    server.mean_batch()
    cpu_s = server.cpu_s
    seen = run_clients(clients, seconds=seconds)
    cpu_s = server.cpu_s - cpu_s
    for client in clients:
        client.close()
    return row(seen, cpu_s, server.mean_batch())


def row(seen: Load, cpu_s: float, mean_batch: float) -> dict[str, Any]:
    results = len(seen.latencies_s)
    return {
        "results": results,
        "results_per_s": results / seen.seconds,
        "p50_s": percentile(seen.latencies_s, 50),
        "p99_s": percentile(seen.latencies_s, 99),
        "cpu_ms": 1e3 * cpu_s / max(results, 1),
        "mean_batch": mean_batch,
        "sent": seen.sent,
        "failures": dict(seen.failures),
    }


def load_table(args: argparse.Namespace, frames: list[list[Offload]]) -> list[dict[str, Any]]:
    """A server for each budget, loaded in turns; a row per number of clients and budget, medians over rounds."""
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        servers = {
            budget: stack.enter_context(started(args.model, budget, threads=args.threads, decoders=args.decoders))
            for budget in dict.fromkeys([*args.budgets, 1])
        }
        for server in servers.values():
            measured(server, frames, 4, WARM_UP_S)
        names = (
            "clients",
            "budget",
            "results/s",
            "p50 ms",
            "p99 ms",
            "cpu ms",
            "batch",
            "gain",
            "cpu gain",
            "failures",
        )
        print(titles(*names), flush=True)
        for count in args.clients:
            cells = in_turns(servers, frames, count, args)
            for budget, found in cells.items():
                rows.append({"clients": count, "budget_tokens": budget} | medians(found) | gains(found, cells[1]))
                print_row(rows[-1], "clients", "budget_tokens")
    return rows


def gains(cells: list[dict[str, Any]], alone: list[dict[str, Any]]) -> dict[str, float]:
    """Against no batches: results a second and processor time, medians of ratios within a round."""
    pairs = list(zip(cells, alone, strict=True))
    return {
        "gain": statistics.median(one["results_per_s"] / other["results_per_s"] for one, other in pairs),
        "cpu_gain": statistics.median(other["cpu_ms"] / one["cpu_ms"] for one, other in pairs),
    }


def in_turns(
    servers: dict[int, Server], frames: list[list[Offload]], count: int, args: argparse.Namespace
) -> dict[int, list[dict[str, Any]]]:
    cells: dict[int, list[dict[str, Any]]] = {budget: [] for budget in servers}
    for _ in range(args.rounds):
        for budget, server in servers.items():
            cells[budget].append(measured(server, frames, count, args.seconds))
    return cells


def medians(cells: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = {name: statistics.median(cell[name] for cell in cells) for name in cells[0] if name != "failures"}
    failures: dict[str, int] = {}
    for cell in cells:
        for text, count in cell["failures"].items():
            failures[text] = failures.get(text, 0) + count
    return numbers | {"sent": sum(cell["sent"] for cell in cells), "failures": failures}


def titles(*names: str) -> str:
    return " ".join(f"{name:>9}" for name in names)


def print_row(found: dict[str, Any], *first: str) -> None:
    spans = [f"{1e3 * found[name]:9.0f}" for name in ("p50_s", "p99_s")]
    cells = [*(f"{found[name]:9.0f}" for name in first), f"{found['results_per_s']:9.2f}", *spans]
    cells += [f"{found['cpu_ms']:9.1f}", f"{found['mean_batch']:9.2f}"]
    cells += [f"{found[name]:9.2f}" for name in ("gain", "cpu_gain") if name in found]
    print(*cells, found["failures"] or "none", "of", found["sent"], flush=True)


def soak(args: argparse.Namespace, frames: list[list[Offload]]) -> list[dict[str, Any]]:
    """One server under the most clients; a row every half minute, and what memory did after the first two minutes."""
    rows: list[dict[str, Any]] = []
    with started(args.model, args.budgets[0], threads=args.threads, decoders=args.decoders) as server:
        clients = clients_of(server, frames, max(args.clients))
        print(titles("s", "RSS MiB", "results/s", "p50 ms", "p99 ms", "cpu ms", "batch", "failures"), flush=True)
        passed = 0.0
        while passed < 60 * args.minutes:
            cpu_s = server.cpu_s
            seen = run_clients(clients, seconds=min(30.0, 60 * args.minutes - passed))
            passed += seen.seconds
            found = {"s": passed, "rss_mib": server.rss_mib} | row(seen, server.cpu_s - cpu_s, server.mean_batch())
            rows.append(found)
            print_row(found, "s", "rss_mib")
        for client in clients:
            client.close()
    settled = [(found["s"], found["rss_mib"]) for found in rows if found["s"] > 120]
    if len(settled) > 2:
        slope = float(np.polyfit(*zip(*settled, strict=True), 1)[0])
        print(f"after 2 minutes: {settled[0][1]:.1f} -> {settled[-1][1]:.1f} MiB, {60 * slope:+.2f} MiB a minute")
    return rows


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nano", help="nano, tiny, small (random weights), or a model's name or path")
    parser.add_argument("--clients", default="1,2,4,8,16,32", help="numbers of clients")
    parser.add_argument("--sizes", default="180x320,288x288,240x426", help="HEIGHTxWIDTH; client i has the i-th")
    parser.add_argument("--full", action="store_true", help="nothing downsampled")
    parser.add_argument("--budgets", default=str(BUDGET_TOKENS), help="tokens of a batch; 1 stands beside them")
    parser.add_argument("--patience", type=float, default=5.0, help="how long a client waits for a frame, s")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a cell")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of the server's model")
    parser.add_argument("--decoders", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="soak: one server, the largest number of clients")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    args.budgets = [int(part) for part in args.budgets.split(",")]
    args.clients = [int(part) for part in args.clients.split(",")]
    args.sizes = [tuple(int(side) for side in part.split("x")) for part in args.sizes.split(",")]
    return args


def main() -> None:
    args = parsed()
    frames = [
        encoded_frames(size, seed, patience_s=args.patience, full=args.full) for seed, size in enumerate(args.sizes)
    ]
    print(machine())
    rows = (load_table if args.minutes is None else soak)(args, frames)
    if args.json:
        report = {"machine": machine(), "arguments": {k: str(v) for k, v in vars(args).items()}, "rows": rows}
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
