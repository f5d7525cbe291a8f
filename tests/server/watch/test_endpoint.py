"""The three paths as those who scrape and probe see them."""

import socket
import urllib.error
import urllib.request

import pytest

from foveate.core import ManualClock, TransportError
from foveate.server.events import LoopTurned
from foveate.server.watch import Address, Endpoint, Health

TURN = LoopTurned(waiting=0, running=0, received_bytes=0)
LOOPBACK = Address(host="127.0.0.1", port=0)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def health(clock):
    return Health(clock)


@pytest.fixture
def endpoint(health):
    with Endpoint(LOOPBACK, health, lambda: (b"answer 42\n", "text/plain; version=1.0.0")) as endpoint:
        yield endpoint


def get(endpoint, path, method="GET"):
    request = urllib.request.Request(f"http://{endpoint.address}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_a_scrape_gets_the_metrics_and_their_type(endpoint):
    status, headers, body = get(endpoint, "/metrics?name=x")
    assert (status, headers["Content-Type"], body) == (200, "text/plain; version=1.0.0", "answer 42\n")


def test_a_server_that_loads_its_model_is_alive_but_not_ready(endpoint, health):
    assert get(endpoint, "/healthz")[::2] == (200, "alive\n")
    assert get(endpoint, "/readyz")[::2] == (503, "the model is being loaded\n")
    health(TURN)
    assert get(endpoint, "/readyz")[::2] == (200, "ready\n")


def test_a_stalled_loop_is_alive_but_not_ready(endpoint, health, clock):
    health(TURN)
    clock.advance_to(60)
    assert get(endpoint, "/healthz")[0] == 200
    assert get(endpoint, "/readyz")[0] == 503


def test_another_path_lists_the_known_ones(endpoint):
    status, _, body = get(endpoint, "/")
    assert status == 404
    assert body == "known: /metrics /healthz /readyz\n"


def test_a_head_request_has_no_body(endpoint):
    status, headers, body = get(endpoint, "/healthz", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "6", "")


def test_nothing_can_be_written(endpoint):
    assert get(endpoint, "/metrics", method="POST")[0] == 501


def test_a_peer_that_says_nothing_or_nonsense_disturbs_nobody(endpoint, capfd):
    with socket.create_connection((endpoint.address.host, endpoint.address.port)) as silent:
        with socket.create_connection((endpoint.address.host, endpoint.address.port)) as noisy:
            noisy.sendall(b"\x00\xff\r\n\r\n")
        assert get(endpoint, "/healthz")[0] == 200
        silent.close()
    assert capfd.readouterr() == ("", "")


def test_crowds_are_cut_off_and_answered_again_when_they_are_gone(endpoint):
    where = (endpoint.address.host, endpoint.address.port)
    crowd = [socket.create_connection(where, timeout=10) for _ in range(17)]
    assert crowd[-1].recv(1) == b""
    for peer in crowd:
        peer.sendall(b"GET /healthz HTTP/1.0\r\n\r\n") if peer is not crowd[-1] else None
    assert all(peer.recv(8).startswith(b"HTTP/1.0") for peer in crowd[:-1])
    for peer in crowd:
        while peer.recv(4096):
            pass
        peer.close()
    assert get(endpoint, "/healthz")[0] == 200


def test_an_address_in_use_is_said_in_one_line(endpoint, health):
    with pytest.raises(TransportError, match=rf"cannot listen on {endpoint.address}: Address already in use"):
        Endpoint(endpoint.address, health, lambda: (b"", ""))


def test_it_listens_on_ipv6_too(health):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    with Endpoint(Address.parse("[::1]:0"), health, lambda: (b"", "")) as endpoint:
        assert get(endpoint, "/healthz")[0] == 200
