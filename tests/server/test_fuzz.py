"""Damaged messages and pictures against a live server: it stays up, leaks nothing, and serves others rightly.

`make test` sends 10,000 of them, `make test-long` 100,000 of another seed. Both ends are real but for the detector and
the wire; what is below the messages is fuzzed in `tests/network/test_fuzz_wire.py`.
"""

import gc
import random
import threading
import tracemalloc
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.codec import decode_jpeg, encode_frame
from foveate.core import CodecError, OffloadPlan, ProtocolError
from foveate.network.messages import (
    Ack,
    Failure,
    Hello,
    Offload,
    Ping,
    Pong,
    Result,
    Stranger,
    Welcome,
    decode_from_device,
    decode_from_server,
    encode,
)
from foveate.network.transports import MemoryHub
from foveate.server import ServerLimits, serve
from foveate.testing import FakeDetector, moving_squares
from foveate.testing.mutations import mutate_bytes, mutate_jpeg, mutate_message

CORPUS = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").glob("*.jpg"))}
PIXELS = next(moving_squares(1))
GRID = FakeDetector().region_grid(*PIXELS.shape[:2])
MASKS = [None, np.eye(*GRID.shape, dtype=bool), np.ones(GRID.shape, bool)]
TRUTH = FakeDetector().detect_batch([PIXELS])[0]
PATIENCE_S = 60.0


def offload(mask=None, **changes):
    encoded = encode_frame(PIXELS, grid=GRID, mask=mask, quality=95)
    plan = OffloadPlan(downsampling_mask=mask, restoration_point=2 if mask is not None else 0)
    message = Offload.of(
        plan,
        offload_id=0,
        frame_index=0,
        grid=GRID,
        score_threshold=0.5,
        patience_s=PATIENCE_S,
        full=encoded.full,
        low=encoded.low,
    )
    return msgspec.structs.replace(message, **changes)


OFFLOADS = [offload(mask) for mask in MASKS]
MESSAGES = [Hello(), Hello(model="fake"), Ping(number=3), *OFFLOADS]
SEEDS = [encode(message) for message in MESSAGES]


def damaged_image(chance):
    """An offload that is right but for its pictures, now and then with dimensions to match a giant header."""
    message = chance.choice(OFFLOADS)
    picture = chance.choice([*CORPUS.values(), message.full or message.low])
    data = mutate_jpeg(chance, picture)
    field = "low" if message.low and chance.random() < 0.5 else "full"
    changes = {field: data}
    if chance.random() < 0.02:
        changes |= {"height": chance.choice((1, 3072, 8192)), "width": chance.choice((1, 4096, 1536)), "mask": b""}
    return encode(msgspec.structs.replace(message, **changes))


def damaged(chance):
    """One hostile message."""
    match chance.randrange(10):
        case 0 | 1 | 2:
            return mutate_bytes(chance, chance.choice(SEEDS), SEEDS)
        case 3 | 4 | 5:
            return mutate_message(chance, chance.choice(MESSAGES))
        case 6:
            return chance.randbytes(chance.randrange(300))
        case _:
            return damaged_image(chance)


class Hostile:
    """A client that says anything, and counts what it is told."""

    def __init__(self, channel):
        self.channel, self.pings, self.answers, self.reasons = channel, 0, {}, []

    def say(self, payload):
        """Send something, and wait until the server has dealt with it and with every offload that it took."""
        owed = set()
        self.channel.send(payload)
        self.pings += 1
        self.channel.send(encode(Ping(number=self.pings)))
        answered = False
        while owed or not answered:
            match self.hear():
                case Pong(number=number) if number == self.pings:
                    answered = True
                case Stranger():
                    self.channel.send(encode(Hello()))
                    self.channel.send(encode(Ping(number=self.pings)))
                case Ack(offload_id=number):
                    owed.add(number)
                case Result(offload_id=number):
                    owed.discard(number)
                case Failure(offload_id=number, text=text):
                    owed.discard(number)
                    self.reasons.append(text)

    def hear(self):
        payload = self.channel.poll(PATIENCE_S)
        assert payload is not None, "the server does not answer any more"
        message = decode_from_server(payload)
        self.answers[type(message)] = self.answers.get(type(message), 0) + 1
        return message


class Good:
    """A client like any other; each of its offloads must bring the right answer."""

    def __init__(self, channel):
        self.channel, self.number = channel, 0
        channel.send(encode(Hello()))
        assert isinstance(decode_from_server(channel.poll(PATIENCE_S)), Welcome)

    def check(self):
        self.number += 1
        self.channel.send(encode(msgspec.structs.replace(OFFLOADS[self.number % 3], offload_id=self.number)))
        heard = [decode_from_server(self.channel.poll(PATIENCE_S)) for _ in range(2)]
        assert heard[0] == Ack(offload_id=self.number)
        assert heard[1].offload_id == self.number
        found = heard[1].detections(TRUTH.class_names)
        assert np.abs(found.boxes - TRUTH.boxes).max() <= 4


@contextmanager
def served():
    """A hostile and a good client of one server."""
    hub, stop = MemoryHub(), threading.Event()
    limits = ServerLimits(malformed=10**9)  # who is ignored can do no harm
    thread = threading.Thread(target=serve, args=(FakeDetector(), hub), kwargs={"stop": stop.is_set, "limits": limits})
    thread.start()
    try:
        yield Hostile(hub.connect()), Good(hub.connect())
    finally:
        stop.set()
        hub.wake()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def bombard(seed, messages):
    """Send damaged messages; returns what came of them and by how much memory grew after the first fifth."""
    chance = random.Random(seed)
    with served() as (hostile, good):
        settled = None
        for index in range(messages):
            hostile.say(damaged(chance))
            if index % 50 == 0:
                good.check()
            if index == messages // 5:
                settled = resident_bytes()
        good.check()
        grown = resident_bytes() - settled
    assert not [reason for reason in hostile.reasons if reason.startswith("internal error")]
    return hostile, grown


MOST_GROWTH_BYTES = 32 * 2**20
"""What allocators may keep of pictures of 37 MB that came and went."""


def check_damage_was_deep(hostile):
    """Damage that is all refused at the first byte would show nothing."""
    assert hostile.answers[Result] > 0
    for part in ("malformed message", "does not speak", "expected a YCbCr JPEG", "damaged JPEG", "are not a JPEG"):
        assert any(part in reason for reason in hostile.reasons), part


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
def test_ten_thousand_damaged_messages_harm_nobody():
    hostile, grown = bombard(seed=1, messages=10_000)
    check_damage_was_deep(hostile)
    assert grown < MOST_GROWTH_BYTES


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_hundred_thousand_damaged_messages_harm_nobody(seed):
    hostile, grown = bombard(seed=seed, messages=25_000)
    check_damage_was_deep(hostile)
    print(f"seed {seed}: memory grew by {grown / 2**20:.1f} MiB; answers {hostile.answers}")
    assert grown < MOST_GROWTH_BYTES


def test_nothing_is_kept_of_damaged_messages():
    chance = random.Random(7)
    with served() as (hostile, good):
        for _ in range(300):
            hostile.say(damaged(chance))
        tracemalloc.start()
        try:
            for _ in range(50):
                hostile.say(damaged(chance))
            hostile.reasons.clear()
            gc.collect()  # the traceback of a refused frame may wait for the collector: that is not kept
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(400):
                hostile.say(damaged(chance))
            hostile.reasons.clear()
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        good.check()
    assert kept < 400 * 200


REFUSED = {"grey": "got Gray", "cmyk": "got YCCK", "progressive": "a JPEG of one scan"}


@pytest.mark.parametrize("name", CORPUS)
def test_of_the_corpus_colour_pictures_of_few_scans_are_taken_and_all_others_named(name):
    if name in REFUSED:
        with pytest.raises(CodecError, match=REFUSED[name]):
            decode_jpeg(CORPUS[name], size=PIXELS.shape[:2])
    else:
        pixels = decode_jpeg(CORPUS[name], size=PIXELS.shape[:2])
        assert np.abs(pixels.astype(int) - PIXELS).mean() < 20


@settings(max_examples=500)
@given(st.sampled_from(sorted(CORPUS)), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6))
def test_a_damaged_picture_is_decoded_at_its_size_or_refused(name, edits):
    data = bytearray(CORPUS[name])
    for place, value in edits:
        data[place % len(data)] = value
    with suppress(CodecError):
        assert decode_jpeg(bytes(data), size=PIXELS.shape[:2]).shape == PIXELS.shape


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(DOCUMENTS, st.sampled_from(["hello", "offload", "ping", "welcome", "", "Offload"]))
def test_any_document_is_a_message_or_a_protocol_error(document, tag):
    if isinstance(document, dict):
        document = {"type": tag, **document}
    with suppress(ProtocolError):
        decode_from_device(encode(Hello())[:3] + msgspec.msgpack.encode(document))
