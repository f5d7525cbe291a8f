"""What waits for the engine: turns, batches, deadlines. Frames are made of numbers here; nothing is decoded."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.core import InputError
from foveate.network.messages import Offload
from foveate.server.queue import OffloadQueue
from foveate.server.work import Work

OFFLOAD = Offload(
    offload_id=0,
    frame_index=0,
    height=64,
    width=64,
    mask=b"",
    restoration_point=0,
    score_threshold=0.3,
    patience_s=5.0,
    full=b"jpeg",
    low=b"",
)


def work(client, tokens=100, *, number=0, model="m", patience_s=5.0):
    offload = msgspec.structs.replace(OFFLOAD, offload_id=number, patience_s=patience_s)
    return Work(client=client, model=model, offload=offload, tokens=tokens, full_tokens=tokens)


def filled(budget, *works, now=0.0):
    queue = OffloadQueue(budget)
    for one in works:
        queue.put(one, now)
    return queue


def decode_all(queue, now=0.0):
    """Decode what may be decoded ahead, at once."""
    decoded = []
    while (one := queue.next_decode(now)) is not None:
        queue.decoded(one, one.client, 0.0)
        decoded.append(one.client)
    return decoded


def batch_of(queue, now=0.0):
    batch = queue.next_batch(now)
    return None if batch is None else [one.client for one in batch.works]


def test_a_batch_holds_as_many_frames_as_the_budget_has_tokens_for():
    queue = filled(250, *(work(name) for name in (b"a", b"b", b"c", b"d")))
    assert decode_all(queue) == [b"a", b"b"]  # no further ahead than the next batch
    assert batch_of(queue) == [b"a", b"b"]
    assert decode_all(queue) == [b"c", b"d"]
    assert batch_of(queue) == [b"c", b"d"]
    assert batch_of(queue) is None


def test_a_frame_beyond_the_budget_goes_alone_and_nobody_slips_in_before_it():
    queue = filled(250, work(b"a"), work(b"4k", 900), work(b"b"))
    assert decode_all(queue) == [b"a"]
    assert batch_of(queue) == [b"a"]
    assert decode_all(queue) == [b"4k"]
    assert batch_of(queue) == [b"4k"]
    decode_all(queue)
    assert batch_of(queue) == [b"b"]


def test_a_budget_of_one_token_means_no_batches():
    queue = filled(1, work(b"a"), work(b"b"))
    decode_all(queue)
    assert batch_of(queue) == [b"a"]


@pytest.mark.parametrize("budget", [0, -5])
def test_a_budget_without_tokens_is_refused(budget):
    with pytest.raises(InputError, match=f"at least 1, got {budget}"):
        OffloadQueue(budget)


def test_a_free_engine_takes_what_is_decoded_and_waits_for_nothing_else():
    queue = filled(1000, work(b"a"), work(b"b"))
    first, second = queue.next_decode(0.0), queue.next_decode(0.0)
    assert batch_of(queue) is None
    queue.decoded(second, None, 0.0)
    assert batch_of(queue, 0.1) == [b"b"]
    queue.decoded(first, None, 0.0)
    assert batch_of(queue, 0.2) == [b"a"]


def test_frames_that_are_being_decoded_are_passed_over_by_no_second_frame_with_a_long_lead():
    queue = filled(100, work(b"slow", 10))
    assert queue.next_decode(0.0).client == b"slow"
    for _ in range(4):
        queue.put(work(b"c", 40), 0.0)
        assert decode_all(queue) == [b"c"]
        assert batch_of(queue) == [b"c"]
    queue.put(work(b"b", 10), 0.0)
    assert queue.next_decode(0.0).client == b"b"
    queue.put(work(b"d", 40), 0.0)
    queue.put(work(b"c", 40), 0.0)
    assert decode_all(queue) == [b"d", b"c"]
    assert batch_of(queue) == [b"d"]  # a free engine takes one; "c" has used 160 tokens more than "slow"


def test_what_comes_while_a_batch_runs_is_decoded_meanwhile_and_goes_together():
    queue = filled(1000, work(b"a"))
    decode_all(queue)
    assert batch_of(queue) == [b"a"]
    for name in (b"b", b"c"):
        queue.put(work(name), 0.1)
    assert decode_all(queue, 0.2) == [b"b", b"c"]
    assert batch_of(queue, 0.5) == [b"b", b"c"]


def test_waiting_is_counted_without_decoding():
    queue = filled(1000, work(b"a"), now=1.0)
    queue.decoded(queue.next_decode(1.5), None, 0.25)
    (one,) = queue.next_batch(2.75).works
    assert one.queue_s == 1.5


def test_a_newer_frame_takes_the_place_of_a_decoded_one():
    queue = filled(1000, work(b"a", number=0), work(b"b"))
    decode_all(queue)
    assert queue.put(work(b"a", number=1), 0.1).offload.offload_id == 0
    assert batch_of(queue) == [b"b"]  # the newer one is not decoded yet
    assert decode_all(queue) == [b"a"]
    assert [one.offload.offload_id for one in queue.next_batch(0.2).works] == [1]


def test_what_the_decoder_made_of_a_replaced_frame_is_dropped():
    queue = filled(1000, work(b"a", number=0))
    old = queue.next_decode(0.0)
    queue.put(work(b"a", number=1), 0.1)
    queue.decoded(old, "old", 0.0)
    assert queue.next_batch(0.2) is None
    queue.decoded(queue.next_decode(0.2), "new", 0.0)
    assert queue.next_batch(0.3).decoded == ("new",)


def test_a_frame_that_could_not_be_decoded_is_removed_once_and_costs_its_turn():
    queue = filled(1000, work(b"a"))
    broken = queue.next_decode(0.0)
    queue.put(work(b"b"), 0.0)
    assert queue.remove(broken)
    assert not queue.remove(broken)
    queue.put(work(b"a"), 0.0)
    assert decode_all(queue) == [b"b", b"a"]


def test_who_replaces_frames_faster_than_they_are_decoded_does_not_keep_the_decoder():
    queue = filled(1000, work(b"fast", number=0), work(b"patient"))
    assert queue.next_decode(0.0).client == b"fast"
    queue.put(work(b"fast", number=1), 0.01)
    assert queue.next_decode(0.01).client == b"patient"


def test_who_has_next_to_no_patience_does_not_keep_the_decoder():
    queue = filled(1000, work(b"hasty", patience_s=0.01), work(b"patient"))
    assert queue.next_decode(0.0).client == b"hasty"
    queue.drop_stale(0.01)
    queue.put(work(b"hasty", patience_s=0.01), 0.01)
    assert queue.next_decode(0.01).client == b"patient"


def test_a_newer_frame_keeps_the_place_of_one_that_was_only_waiting():
    queue = filled(100, work(b"a"), work(b"b"), work(b"c"))
    assert decode_all(queue) == [b"a"]
    queue.put(work(b"b", number=1), 0.1)
    assert batch_of(queue, 0.1) == [b"a"]
    assert decode_all(queue, 0.1) == [b"b"]


def test_frames_are_dropped_when_their_device_gives_up_and_not_before():
    queue = filled(1000, work(b"a", patience_s=1.0), work(b"b", patience_s=2.0))
    assert queue.drop_stale(0.99) == []
    assert [one.client for one in queue.drop_stale(1.0)] == [b"a"]
    assert queue.drop_stale(1.5) == []
    assert len(queue) == 1


def test_a_stale_frame_is_neither_decoded_nor_run():
    queue = filled(1000, work(b"a", patience_s=1.0))
    assert queue.next_decode(1.0) is None
    queue = filled(1000, work(b"a", patience_s=1.0))
    decode_all(queue, 0.5)
    assert queue.next_batch(1.0) is None


def test_a_frame_is_stale_when_a_batch_as_long_as_the_last_would_end_too_late():
    queue = filled(100, work(b"a"), work(b"b"))
    decode_all(queue)
    queue.done(queue.next_batch(0.0).works[0], 1.5)
    assert queue.drop_stale(3.49) == []
    assert [one.client for one in queue.drop_stale(3.5)] == [b"b"]


@given(st.floats(0, 100), st.floats(0.01, 10))
def test_however_long_batches_take_a_device_in_the_first_half_of_its_patience_is_served(took_s, patience_s):
    queue = filled(100, work(b"a", patience_s=patience_s))
    decode_all(queue)
    queue.done(queue.next_batch(0.0).works[0], took_s)
    queue.put(work(b"a", patience_s=patience_s), 0.0)
    assert decode_all(queue, 0.49 * patience_s) == [b"a"]
    assert batch_of(queue, 0.49 * patience_s) == [b"a"]


def test_a_batch_holds_frames_of_one_model():
    queue = filled(1000, work(b"a"), work(b"b", model="n"), work(b"c"), work(b"d", model="n"))
    assert decode_all(queue) == [b"a", b"b", b"c", b"d"]  # each model's next batch is decoded ahead
    batches = [queue.next_batch(0.0), queue.next_batch(0.0)]
    assert [(batch.model, [one.client for one in batch.works]) for batch in batches] == [
        ("m", [b"a", b"c"]),
        ("n", [b"b", b"d"]),
    ]


def test_a_client_that_left_leaves_nothing():
    queue = filled(1000, work(b"a"))
    queue.forget(b"a")
    queue.forget(b"never seen")
    assert len(queue) == 0
    assert queue.next_decode(0.0) is None


sizes_and_models = st.lists(st.tuples(st.integers(1, 40_000), st.sampled_from("mn")), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(sizes_and_models, st.integers(1, 50_000), st.integers(1, 60))
def test_nobody_is_served_while_another_waits_who_used_less_by_more_than_a_frame_and_a_batch(clients, budget, batches):
    queue, used = OffloadQueue(budget), dict.fromkeys(range(len(clients)), 0)
    for _ in range(batches):
        for number, (tokens, model) in enumerate(clients):
            if bytes([number]) not in queue:
                queue.put(work(bytes([number]), tokens, model=model), 0.0)
        decode_all(queue)
        batch = queue.next_batch(0.0)
        assert len(batch.works) == 1 or sum(one.tokens for one in batch.works) <= budget
        assert {one.model for one in batch.works} == {batch.model}
        for one in batch.works:
            used[one.client[0]] += one.tokens
        for served in (one.client[0] for one in batch.works):
            for waits in (number for number in used if bytes([number]) in queue):
                assert used[served] - used[waits] <= clients[served][0] + budget


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12))
def test_a_crowd_at_one_model_does_not_starve_the_only_client_of_another(crowd, budget_frames):
    queue, served = OffloadQueue(100 * budget_frames), {"m": 0, "n": 0}
    clients = [(bytes([number]), "m") for number in range(crowd)] + [(b"alone", "n")]
    for _ in range(60):
        for client, model in clients:
            if client not in queue:
                queue.put(work(client, 100, model=model), 0.0)
        decode_all(queue)
        batch = queue.next_batch(0.0)
        served[batch.model] += len(batch.works)
    assert served["n"] >= (served["m"] + served["n"]) // (crowd + 1) - budget_frames - 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_frame_is_run_replaced_or_dropped_exactly_once(data):
    queue, now, sent, ended = OffloadQueue(250), 0.0, [], []
    for number in range(data.draw(st.integers(1, 60))):
        now += data.draw(st.sampled_from([0.0, 0.1, 1.0]))
        match data.draw(st.sampled_from(["put", "decode", "batch", "drop"])):
            case "put":
                client = data.draw(st.sampled_from([b"a", b"b", b"c"]))
                sent.append(number)
                replaced = queue.put(work(client, data.draw(st.integers(1, 300)), number=number, patience_s=2.0), now)
                ended += [] if replaced is None else [replaced.offload.offload_id]
            case "decode":
                decode_all(queue, now)
            case "batch":
                batch = queue.next_batch(now)
                for one in () if batch is None else batch.works:
                    ended.append(one.offload.offload_id)
                    queue.done(one, 0.1)
            case "drop":
                ended += [one.offload.offload_id for one in queue.drop_stale(now)]
    ended += [one.offload.offload_id for one in queue.drop_stale(now + 10)]
    assert sorted(ended) == sent
    assert len(queue) == 0
