"""What a gateway costs: processor time of a server besides decoding and inference, and of CURVE.

    python benchmarks/bench_gateway.py [--seconds 6] [--devices 4]

Devices in a process of their own send 720p frames of the sample clip over loopback, each the next one as soon as it has
its answer; the server runs everything but a model (a detector that finds nothing at once). Its processor time, ZeroMQ's
own threads included, less that of its threads for decoding and inference, is the gateway's. CURVE: the receiver's
processor time for frames of the same size over an encrypted and over a plain socket. Processor time, so that other work
on the machine matters little. Cost: 4 times `--seconds`. Expected: docs/results.md.
"""

import argparse
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import zmq

from foveate.codec import VideoReader, encode_frame
from foveate.core import Detections, MixedFrame, OffloadPlan, Pixels, RegionGrid
from foveate.network.messages import Hello, Offload, encode
from foveate.network.transports import ZmqChannel, ZmqHub
from foveate.server import OffloadAnswered, ServerEvent, serve

SAMPLE = Path(__file__).parents[1] / "src" / "foveate" / "samples" / "street.mp4"
GRID = RegionGrid(height=720, width=1280)
BESIDE = ("decoding", "inference")
"""Beginnings of the names of threads that are not the gateway's."""


class Blind:
    """A `DetectorLike` that sees nothing."""

    name, weights_hash, class_names, score_threshold = "blind", "none", ("person",), 0.5
    restoration_points = range(5)

    def region_grid(self, height: int, width: int) -> RegionGrid:
        return RegionGrid(height=height, width=width)

    def detect_batch(self, frames: Sequence[Pixels | MixedFrame], *_: object, **__: object) -> list[Detections]:
        return [Detections.empty(self.class_names) for _ in frames]


def frame_message() -> bytes:
    with VideoReader(SAMPLE) as reader:
        pixels = next(iter(reader))
    encoded = encode_frame(pixels, grid=GRID, quality=90)
    offload = Offload.of(
        OffloadPlan(),
        offload_id=0,
        frame_index=0,
        grid=GRID,
        score_threshold=0.5,
        patience_s=60.0,
        full=encoded.full,
        low=encoded.low,
    )
    return encode(offload)


def run_devices(address: str, count: int, message: bytes) -> None:
    """Each sends its frame again once an answer came: two messages for each, the acknowledgement and the result."""
    channels = [ZmqChannel(address) for _ in range(count)]
    for channel in channels:
        channel.send(encode(Hello()))
    heard = [1] * count  # the greeting's answer counts as the second
    while True:
        for index, channel in enumerate(channels):
            while channel.poll(0.0005) is not None:
                heard[index] += 1
                if heard[index] % 2 == 0:
                    channel.send(message)


def send_frames(endpoint: str, message: bytes, server_key: bytes | None) -> None:
    socket = zmq.Context().socket(zmq.PUSH)
    socket.setsockopt(zmq.SNDHWM, 2)
    if server_key is not None:
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = server_key
    socket.connect(endpoint)
    while True:
        socket.send(message)


@contextmanager
def beside(call: Callable[..., None], *arguments: object) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=call, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def thread_s(prefixes: tuple[str, ...]) -> float:
    """Processor time of the threads whose names begin so, seconds."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(prefixes) and thread.ident]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0)) for thread in threads)


def gateway_ms(seconds: float, devices: int, message: bytes) -> tuple[float, int]:
    """Processor time of the gateway for one offload, ms, and how many were counted."""
    answers = 0

    def count(event: ServerEvent) -> None:
        nonlocal answers
        answers += isinstance(event, OffloadAnswered)

    with ZmqHub("127.0.0.1:0") as hub, beside(run_devices, f"127.0.0.1:{hub.port}", devices, message):
        stop = threading.Event()
        arguments = {"stop": stop.is_set, "observers": [count]}
        thread = threading.Thread(target=serve, args=(Blind(), hub), kwargs=arguments)
        thread.start()
        while answers < 20:  # the devices' process has started
            time.sleep(0.05)
        before, started = answers, time.process_time() - thread_s(BESIDE)
        time.sleep(seconds)
        taken_s, done = time.process_time() - thread_s(BESIDE) - started, answers - before
        stop.set()
        thread.join()
    return 1e3 * taken_s / done, done


def receiver_s_per_gb(seconds: float, message: bytes, *, encrypted: bool) -> float:
    """Processor time of a socket's receiver for 10^9 bytes, seconds."""
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    socket.setsockopt(zmq.RCVHWM, 2)
    key = None
    if encrypted:
        key, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_server = True
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    with beside(send_frames, f"tcp://127.0.0.1:{port}", message, key):
        socket.recv()
        started, received, end_at = time.process_time(), 0, time.monotonic() + seconds
        while time.monotonic() < end_at:
            received += len(socket.recv())
        taken_s = time.process_time() - started
    context.destroy(linger=0)
    return 1e9 * taken_s / received


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--devices", type=int, default=4)
    options = parser.parse_args()
    message = frame_message()
    taken_ms, count = gateway_ms(options.seconds, options.devices, message)
    print(f"frames of {len(message) / 1e3:.0f} kB, {options.devices} devices, {count} offloads")
    print(f"gateway: {taken_ms:.2f} ms of one core an offload")
    plain, curve = (receiver_s_per_gb(options.seconds, message, encrypted=flag) for flag in (False, True))
    extra_ms = (curve - plain) * len(message) / 1e6
    print(f"receiving 1 GB: plain {plain:.2f} s, CURVE {curve:.2f} s; CURVE adds {extra_ms:.2f} ms a frame")


if __name__ == "__main__":
    main()
