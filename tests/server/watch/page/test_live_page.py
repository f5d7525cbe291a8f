"""The page as a program sees it: files, a WebSocket, and who is let in."""

import json
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from foveate.codec import decode_jpeg
from foveate.core import MonotonicClock, TransportError
from foveate.server.events import ServingStarted
from foveate.server.watch import Address
from foveate.server.watch.page import Gallery, LivePage, application
from foveate.server.watch.page.admission import TOKEN_VARIABLE
from foveate.server.watch.page.wire import unpack_view

TOKEN = "0123456789abcdef-token"
PATIENCE_S = 20


@pytest.fixture
def gallery(welcome):
    gallery = Gallery(MonotonicClock())
    gallery(ServingStarted(welcome=welcome))
    return gallery


@pytest.fixture
def page(gallery):
    with LivePage(gallery, Address.parse("127.0.0.1:0")) as page:
        yield page


def get(page, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{page.admission.address.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


@contextmanager
def looking(page, *, protocols=("foveate",), **headers):
    url = f"ws://127.0.0.1:{page.admission.address.port}/live"
    with connect(url, subprotocols=list(protocols), open_timeout=PATIENCE_S, max_size=None, **headers) as socket:
        yield socket


def next_view(socket):
    while isinstance(payload := socket.recv(PATIENCE_S), str):
        pass
    return unpack_view(payload)


def test_the_files_need_nothing_from_elsewhere_and_say_so(page):
    status, headers, text = get(page, "/")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for path, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript")):
        assert path in text
        status, headers, body = get(page, path)
        assert (status, headers.get_content_type()) == (200, kind)
        assert "http://" not in body.replace("http://www.w3.org/2000/svg", "")
    assert get(page, "/other")[0] == 404


def test_a_viewer_is_told_the_server_and_sees_the_newest_answer(page, gallery, answered):
    gallery(answered(b"\x01a", number=7))
    with looking(page) as socket:
        status = json.loads(socket.recv(PATIENCE_S))
        head, jpeg = next_view(socket)
    assert status["models"] == ["fake"]
    assert [client["client"] for client in status["clients"]] == ["0161"]
    assert (head["client"], head["frame"], head["low"], head["regions"]) == ("0161", 21, [0, 1, 2], 6)
    assert [found["name"] for found in head["objects"]] == ["person", "car"]
    assert decode_jpeg(jpeg, size=(64, 96)).shape == (64, 96, 3)  # it raises on another size


def test_a_view_is_sent_once_and_the_next_one_when_it_comes(page, gallery, answered):
    gallery(answered(number=1))
    with looking(page) as socket:
        assert next_view(socket)[0]["frame"] == 3
        gallery(answered(number=2))
        assert next_view(socket)[0]["frame"] == 6


def test_nothing_is_composed_while_nobody_looks(page, gallery, answered, monkeypatch):
    composed = []
    compose = application.compose
    monkeypatch.setattr(application, "compose", lambda view: composed.append(view.number) or compose(view))
    for number in range(3):
        gallery(answered(number=number))
    assert get(page, "/")[0] == 200
    assert composed == []
    with looking(page) as one, looking(page) as other:
        assert next_view(one)[0]["number"] == next_view(other)[0]["number"] == 3
    assert composed == [3]


def test_a_frame_that_is_no_picture_hides_no_other(page, gallery, answered):
    event = answered(b"a", masked=False)
    broken = type(event.offload)(
        **{f: getattr(event.offload, f) for f in event.offload.__struct_fields__} | {"full": b"x"}
    )
    gallery(type(event)(client=b"a", offload=broken, inferred=event.inferred, queue_s=0.0))
    gallery(answered(b"b"))
    with looking(page) as socket:
        assert next_view(socket)[0]["client"] == b"b".hex()


def test_what_a_viewer_says_changes_nothing(page, gallery, answered):
    gallery(answered())
    with looking(page) as socket:
        socket.send("hello")
        socket.send(b"\x00")
        assert next_view(socket)[0]["frame"] == 0


def test_another_site_gets_neither_files_nor_pictures(page):
    assert get(page, "/", Host="evil.example")[0] == 403
    with pytest.raises(InvalidStatus), looking(page, origin="http://evil.example"):
        pass


def test_the_seventeenth_viewer_is_told_to_wait(page, monkeypatch):
    monkeypatch.setattr(application, "MOST_VIEWERS", 1)
    with looking(page) as first:
        first.recv(PATIENCE_S)
        with looking(page) as second, pytest.raises(ConnectionClosed) as closed:
            second.recv(PATIENCE_S)
    assert closed.value.rcvd.code == application.TOO_MANY


def test_off_the_loopback_only_the_token_opens_the_pictures(gallery, answered, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    gallery(answered())
    with LivePage(gallery, Address.parse("0.0.0.0:0")) as page:
        assert page.admission.url.endswith(f"/#{TOKEN}")
        for protocols in (["foveate"], ["foveate", "token.wrong-wrong-wrong"]):
            with looking(page, protocols=protocols) as socket, pytest.raises(ConnectionClosed) as closed:
                socket.recv(PATIENCE_S)
            assert closed.value.rcvd.code == application.NO_TOKEN
        with looking(page, protocols=["foveate", f"token.{TOKEN}"]) as socket:
            assert next_view(socket)[0]["client"]


def test_an_address_in_use_is_said_in_one_line(page, gallery):
    with pytest.raises(TransportError, match=r"cannot listen on .*Address already in use"):
        LivePage(gallery, page.admission.address)


def test_closing_sends_viewers_away(gallery):
    page = LivePage(gallery, Address.parse("127.0.0.1:0"))
    with looking(page) as socket:
        socket.recv(PATIENCE_S)
        page.close()
        with pytest.raises(ConnectionClosed):
            list(socket)
