import msgspec
import numpy as np
import pytest

from foveate.core import Detections, InputError
from foveate.network.messages import (
    MAX_PIXELS,
    PROTOCOL_VERSION,
    Ack,
    Failure,
    Hello,
    Offload,
    Part,
    PartsOffload,
    Ping,
    Pong,
    Result,
    Stranger,
    Welcome,
    decode_from_server,
    encode,
    pack_mask,
)
from foveate.server import (
    REFUSALS,
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    Inferred,
    OffloadAnswered,
    OffloadRefused,
    ServerLimits,
    ServerSession,
)

WELCOME = Welcome(
    model="m",
    weights_hash="h",
    class_names=["person"],
    score_threshold=0.3,
    patch_size=16,
    window_size=2,
    downsampling_factor=2,
    subsets=4,
)
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
INFERRED = Inferred(
    detections=Detections(boxes=np.ones((1, 4)), scores=np.ones(1), class_id=np.zeros(1), class_names=("person",)),
    decode_s=0.01,
    inference_s=0.2,
)


def offload(number, **changes):
    return msgspec.structs.replace(OFFLOAD, offload_id=number, frame_index=number, **changes)


def answers(replies):
    return [(reply.client, decode_from_server(reply.payload)) for reply in replies]


@pytest.fixture
def session():
    """A session that has greeted clients a, b and c."""
    session = ServerSession(WELCOME)
    for client in (b"a", b"b", b"c"):
        session.receive(client, encode(Hello()), 0.0)
    return session


def test_it_introduces_its_model_and_answers_heartbeats(session):
    assert answers(session.receive(b"a", encode(Hello()), 0.0)) == [(b"a", WELCOME)]
    assert answers(session.receive(b"a", encode(Ping(number=5)), 0.0)) == [(b"a", Pong(number=5))]


def test_a_model_may_be_asked_for_by_name_and_one_that_does_not_run_here_is_refused():
    session = ServerSession(WELCOME)
    assert answers(session.receive(b"a", encode(Hello(model="m")), 0.0)) == [(b"a", WELCOME)]
    ((_, refusal),) = answers(session.receive(b"b", encode(Hello(model="large")), 0.0))
    assert refusal == Failure(offload_id=None, text="the model 'large' does not run here; known: m")
    assert answers(session.receive(b"b", encode(Ping(number=1)), 0.0)) == [(b"b", Stranger())]


def test_an_offload_is_acknowledged_run_and_answered(session):
    assert answers(session.receive(b"a", encode(offload(3)), 0.0)) == [(b"a", Ack(offload_id=3))]
    work = session.next_work(0.0)
    assert (work.client, work.offload) == (b"a", offload(3))
    assert session.next_work(0.0) is None
    ((client, result),) = answers([session.finished(work, INFERRED)])
    assert client == b"a"
    assert isinstance(result, Result)
    assert (result.offload_id, result.decode_s, result.inference_s) == (3, 0.01, 0.2)
    assert result.detections(("person",)) == INFERRED.detections


def in_slices(number):
    """A small message whose picture would be 2,961 slices."""
    part = Part(top=0, left=0, bottom=3072, right=4096, scale=1.0, data=b"jpeg")
    return PartsOffload(
        offload_id=number,
        frame_index=number,
        height=3072,
        width=4096,
        score_threshold=0.3,
        patience_s=5.0,
        slice_side=128,
        slice_overlap=0.5,
        merge_iou=0.5,
        parts=[part],
    )


@pytest.mark.parametrize(
    ("too_much", "problem"),
    [(offload(3, height=3456, width=4608), f"{MAX_PIXELS} pixels"), (in_slices(3), "256 slices")],
)
def test_an_offload_that_asks_for_too_much_is_refused_by_its_number_and_no_offence(too_much, problem):
    refused = []
    session = ServerSession(WELCOME, limits=ServerLimits(malformed=2), observer=refused.append)
    session.receive(b"a", encode(Hello()), 0.0)
    for _ in range(10):
        (_, ack), (_, failure) = answers(session.receive(b"a", encode(too_much), 0.0))
        assert (ack, failure.offload_id) == (Ack(offload_id=3), 3)
        assert problem in failure.text
    assert [event.reason for event in refused if not isinstance(event, ClientGreeted)] == ["unusable"] * 10
    assert session.next_work(0.0) is None


def test_who_watches_is_told_which_refusals_the_engine_has_a_part_in():
    refused = []
    session = ServerSession(WELCOME, observer=refused.append)
    session.receive(b"a", encode(Hello()), 0.0)
    session.receive(b"a", encode(offload(0, restoration_point=9)), 0.0)
    session.receive(b"a", encode(offload(1)), 0.0)
    session.undecodable(session.next_decode(0.0), "no JPEG")
    session.receive(b"a", encode(offload(2)), 0.0)
    session.failed(session.next_work(0.0), "no memory")
    assert [(event.reason, event.by_engine) for event in refused if isinstance(event, OffloadRefused)] == [
        ("unusable", False),
        ("unusable", False),
        ("failed", True),
    ]


def test_of_each_client_the_newest_frame_wins(session):
    session.receive(b"a", encode(offload(0)), 0.0)
    session.receive(b"b", encode(offload(7)), 0.0)
    assert answers(session.receive(b"a", encode(offload(1)), 0.0)) == [
        (b"a", Ack(offload_id=1)),
        (b"a", Failure(offload_id=0, text="superseded")),
    ]
    works = [session.next_work(0.0), session.next_work(0.0)]
    assert [(work.client, work.offload.offload_id) for work in works] == [(b"a", 1), (b"b", 7)]


def test_a_frame_in_the_engine_is_not_superseded(session):
    session.receive(b"a", encode(offload(0)), 0.0)
    running = session.next_work(0.0)
    assert answers(session.receive(b"a", encode(offload(1)), 0.0)) == [(b"a", Ack(offload_id=1))]
    session.finished(running, INFERRED)
    assert session.next_work(0.0).offload.offload_id == 1


def test_what_waits_for_the_engine_is_told_and_what_does_not_waited_0_s(session):
    session.receive(b"a", encode(offload(0)), 1.0)
    assert session.next_work(1.0).queue_s == 0
    session.receive(b"b", encode(offload(0)), 1.25)
    session.receive(b"c", encode(offload(0)), 1.5)
    session.receive(b"c", encode(offload(1)), 2.0)  # in place of the older frame, but it came only now
    works = [session.next_work(2.5), session.next_work(3.0)]
    assert [work.queue_s for work in works] == [1.25, 1.0]
    (_, result) = answers([session.finished(works[0], INFERRED)])[0]
    assert (result.queue_s, result.decode_s, result.inference_s) == (1.25, 0.01, 0.2)


def test_clients_take_turns(session):
    served = []
    for client in (b"a", b"b", b"c"):
        session.receive(client, encode(offload(0)), 0.0)
    for number in range(1, 5):
        work = session.next_work(0.0)
        served.append(work.client)
        session.receive(work.client, encode(offload(number)), 0.0)
    assert served == [b"a", b"b", b"c", b"a"]


def test_what_the_engine_cannot_is_said(session):
    session.receive(b"a", encode(offload(4)), 0.0)
    ((_, failure),) = answers([session.failed(session.next_work(0.0), "no JPEG " * 1000)])
    assert failure.offload_id == 4
    assert failure.text.startswith("no JPEG")


@pytest.mark.parametrize("payload", [b"", b"noise", encode(Ack(offload_id=1))])
def test_noise_is_answered_not_obeyed(session, payload):
    ((client, failure),) = answers(session.receive(b"a", payload, 0.0))
    assert (client, failure.offload_id) == (b"a", None)
    assert session.next_work(0.0) is None


def test_a_restoration_point_that_the_model_lacks_is_refused(session):
    _, (_, failure) = answers(session.receive(b"a", encode(offload(0, restoration_point=6)), 0.0))
    assert failure == Failure(offload_id=0, text="restoration points run from 0 to 5, got 6")
    assert session.next_work(0.0) is None


def test_a_crowd_is_refused_but_those_in_the_queue_are_served(session):
    for number in range(ServerLimits().waiting):
        session.receive(bytes([number]), encode(Hello()), 0.0)
        session.receive(bytes([number]), encode(offload(0)), 0.0)
    session.receive(b"late", encode(Hello()), 0.0)
    _, (_, failure) = answers(session.receive(b"late", encode(offload(0)), 0.0))
    assert failure == Failure(offload_id=0, text="the server is busy", busy=True)
    assert answers(session.receive(bytes([0]), encode(offload(1)), 0.0))[0] == (bytes([0]), Ack(offload_id=1))


def test_a_mask_that_does_not_fit_is_refused_at_once(session):
    _, (_, failure) = answers(session.receive(b"a", encode(offload(0, mask=bytes(5))), 0.0))
    assert failure == Failure(offload_id=0, text="the mask of 1 regions needs 1 bytes, got 5")
    assert session.next_work(0.0) is None


def test_a_frame_whose_device_gave_up_is_answered_as_stale_and_not_run(session):
    session.receive(b"a", encode(offload(3, patience_s=2.0)), 1.0)
    session.receive(b"b", encode(offload(4, patience_s=3.0)), 1.0)
    assert session.advance(2.9) == []
    assert answers(session.advance(3.0)) == [(b"a", Failure(offload_id=3, text="stale"))]
    assert session.next_work(3.0).client == b"b"
    assert session.next_work(3.0) is None


def test_a_frame_that_cannot_be_decoded_is_answered_once(session):
    session.receive(b"a", encode(offload(3)), 0.0)
    broken = session.next_decode(0.0)
    assert answers(session.undecodable(broken, "no JPEG")) == [(b"a", Failure(offload_id=3, text="no JPEG"))]
    assert session.undecodable(broken, "no JPEG") == []
    assert session.next_batch(0.0) is None


def test_a_frame_that_was_replaced_while_it_was_decoded_is_not_answered_again(session):
    session.receive(b"a", encode(offload(0)), 0.0)
    old = session.next_decode(0.0)
    session.receive(b"a", encode(offload(1)), 0.0)
    assert session.undecodable(old, "no JPEG") == []
    session.decoded(old, None, decode_s=0.0)
    assert session.next_batch(0.0) is None


def test_tokens_are_counted_from_mask_size_and_restoration_point(session):
    grid = WELCOME.grid(128, 128)
    mask = np.array([[True, False], [False, True]])
    for point, tokens in ((0, 64), (2, 52), (4, 40)):
        session.receive(
            b"a", encode(offload(0, height=128, width=128, mask=pack_mask(mask), restoration_point=point)), 0.0
        )
        work = session.next_work(0.0)
        assert (work.tokens, work.full_tokens) == (tokens, grid.tokens()) == (tokens, 64)


def several_models():
    other = msgspec.structs.replace(WELCOME, model="large", window_size=4, subsets=2, models=["m", "large"])
    return ServerSession(msgspec.structs.replace(WELCOME, models=["m", "large"]), other, budget_tokens=1000)


def test_each_client_gets_the_model_that_it_asked_for():
    session = several_models()
    welcomes = [
        answers(session.receive(name, encode(Hello(model=model)), 0.0))[0][1]
        for name, model in ((b"a", ""), (b"b", "large"), (b"c", "m"))
    ]
    assert [welcome.model for welcome in welcomes] == ["m", "large", "m"]
    assert all(welcome.models == ["m", "large"] for welcome in welcomes)
    for name in (b"a", b"b", b"c"):
        session.receive(name, encode(offload(0)), 0.0)
    while (work := session.next_decode(0.0)) is not None:
        session.decoded(work, None, decode_s=0.0)
    batches = [session.next_batch(0.0), session.next_batch(0.0)]
    assert [(batch.model, [work.client for work in batch.works]) for batch in batches] == [
        ("m", [b"a", b"c"]),
        ("large", [b"b"]),
    ]


def test_a_client_may_change_its_model_by_greeting_again():
    session = several_models()
    for model, subsets in (("m", 4), ("large", 2)):
        session.receive(b"a", encode(Hello(model=model)), 0.0)
        _, *failures = answers(session.receive(b"a", encode(offload(0, restoration_point=4)), 0.0))
        assert [failure.text for _, failure in failures] == (
            [] if subsets == 4 else ["restoration points run from 0 to 3, got 4"]
        )


def test_a_server_without_models_or_with_two_of_one_name_is_refused():
    for welcomes in ((), (WELCOME, WELCOME)):
        with pytest.raises(InputError, match="models with different names"):
            ServerSession(*welcomes)


@pytest.mark.parametrize("message", [Ping(number=1), offload(0)])
def test_who_has_not_greeted_is_told_so_and_nothing_is_run(session, message):
    assert answers(session.receive(b"x", encode(message), 0.0)) == [(b"x", Stranger())]
    assert session.next_work(0.0) is None
    session.receive(b"x", encode(Hello()), 0.0)
    assert answers(session.receive(b"x", encode(message), 0.0)) != [(b"x", Stranger())]


def greeted(session, name, now):
    ((_, answer),) = answers(session.receive(name, encode(Hello()), now))
    return answer


def test_a_full_server_refuses_newcomers_and_keeps_those_it_has():
    session = ServerSession(WELCOME, limits=ServerLimits(clients=2))
    assert greeted(session, b"a", 0.0) == greeted(session, b"b", 0.0) == WELCOME
    assert greeted(session, b"c", 5.0) == Failure(offload_id=None, text="the server is full: it serves 2 devices")
    assert greeted(session, b"a", 5.0) == WELCOME
    assert answers(session.receive(b"b", encode(Ping(number=1)), 5.0)) == [(b"b", Pong(number=1))]


def test_in_a_full_server_who_was_silent_longest_makes_room():
    session = ServerSession(WELCOME, limits=ServerLimits(clients=2, silent_s=10.0))
    for name in (b"a", b"b"):
        greeted(session, name, 0.0)
    session.receive(b"b", encode(Ping(number=1)), 0.5)
    session.receive(b"a", encode(offload(1)), 1.0)
    assert isinstance(greeted(session, b"c", 10.4), Failure)
    assert greeted(session, b"c", 10.5) == WELCOME
    assert answers(session.receive(b"b", encode(Ping(number=2)), 10.6)) == [(b"b", Stranger())]
    assert answers(session.receive(b"a", encode(Ping(number=2)), 10.6)) == [(b"a", Pong(number=2))]


def test_who_is_silent_for_a_minute_is_forgotten_with_the_frame_that_waited():
    seen = []
    session = ServerSession(WELCOME, limits=ServerLimits(idle_s=60.0), observer=seen.append)
    for name in (b"a", b"b"):
        greeted(session, name, 0.0)
    session.receive(b"b", encode(Ping(number=1)), 30.0)
    session.receive(b"a", encode(offload(1, patience_s=500.0)), 30.0)
    session.receive(b"b", encode(Ping(number=2)), 89.0)
    session.advance(89.9)
    assert not [event for event in seen if isinstance(event, ClientForgotten)]
    session.advance(90.0)
    assert [event for event in seen if isinstance(event, ClientForgotten)] == [ClientForgotten(client=b"a")]
    assert session.next_work(90.0) is None
    assert answers(session.receive(b"a", encode(Ping(number=2)), 90.0)) == [(b"a", Stranger())]


def test_who_talks_nonsense_is_ignored_for_a_while_and_nobody_else_is():
    seen = []
    limits = ServerLimits(malformed=3, malformed_per_s=1.0, ignored_s=30.0)
    session = ServerSession(WELCOME, limits=limits, observer=seen.append)
    for name in (b"a", b"b"):
        greeted(session, name, 0.0)
    told = [answers(session.receive(b"a", b"noise", 1.0)) for _ in range(6)]
    assert [len(replies) for replies in told] == [1, 1, 1, 1, 0, 0]
    assert told[3][0][1].text.endswith("nothing is read for 30 s")
    assert [event for event in seen if isinstance(event, ClientIgnored)] == [ClientIgnored(client=b"a", span_s=30.0)]
    assert session.receive(b"a", encode(Ping(number=1)), 30.9) == []
    assert answers(session.receive(b"b", encode(Ping(number=1)), 30.9)) == [(b"b", Pong(number=1))]
    assert answers(session.receive(b"a", encode(Ping(number=2)), 31.0)) == [(b"a", Pong(number=2))]


def test_nonsense_now_and_then_is_forgiven():
    session = ServerSession(WELCOME, limits=ServerLimits(malformed=3, malformed_per_s=1.0))
    greeted(session, b"a", 0.0)
    assert all(session.receive(b"a", b"noise", float(second)) for second in range(100))


def test_another_version_is_told_apart_from_nonsense():
    seen, data = [], bytearray(encode(Hello()))
    data[2] = 77
    ((_, failure),) = answers(ServerSession(WELCOME, observer=seen.append).receive(b"a", bytes(data), 0.0))
    assert (
        failure.text
        == f"the device speaks protocol version 77, this server {PROTOCOL_VERSION}: both ends need the same"
    )
    assert [event.reason for event in seen] == ["version"]


def test_observers_are_told_of_every_greeting_answer_and_refusal():
    seen = []
    session = ServerSession(WELCOME, observer=seen.append)
    session.receive(b"a", encode(offload(9)), 0.0)
    session.receive(b"a", b"noise", 0.0)
    session.receive(b"a", encode(Hello()), 0.0)
    session.receive(b"a", encode(Ping(number=1)), 0.0)
    for number in (0, 1):
        session.receive(b"a", encode(offload(number)), 0.0)
    session.receive(b"a", encode(offload(2, restoration_point=6)), 0.0)
    session.finished(session.next_work(0.5), INFERRED)
    session.receive(b"a", encode(offload(3)), 1.0)
    session.failed(session.next_work(1.0), "no memory")
    refused = [(event.offload_id, event.reason) for event in seen if isinstance(event, OffloadRefused)]
    assert refused == [(9, "stranger"), (None, "malformed"), (0, "superseded"), (2, "unusable"), (3, "failed")]
    assert {reason for _, reason in refused} <= set(REFUSALS)
    assert [type(event) for event in seen if not isinstance(event, OffloadRefused)] == [ClientGreeted, OffloadAnswered]
    (answered,) = (event for event in seen if isinstance(event, OffloadAnswered))
    assert (answered.client, answered.offload, answered.queue_s) == (b"a", offload(1), 0.5)
    assert answered.inferred is INFERRED
