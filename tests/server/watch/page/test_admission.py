import pytest

from foveate.core import InputError
from foveate.server.watch import Address
from foveate.server.watch.page.admission import TOKEN_VARIABLE, Admission

HERE, OPEN = Address.parse("127.0.0.1:8555"), Address.parse("0.0.0.0:8555")
TOKEN = "a-token-of-24-letters_ab"


@pytest.fixture
def off_loopback(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    return Admission.of(OPEN)


def test_on_the_loopback_no_token_is_asked_for():
    admission = Admission.of(HERE)
    assert admission.token is None
    assert admission.url == "http://127.0.0.1:8555/"
    assert admission.admits_token([])


def test_off_the_loopback_each_start_has_another_token_behind_the_hash(monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    first, second = Admission.of(OPEN), Admission.of(OPEN)
    assert first.token != second.token
    assert len(first.token) == 32
    assert first.url == f"http://0.0.0.0:8555/#{first.token}"


def test_a_token_of_the_environment_stays(off_loopback):
    assert off_loopback.url.endswith(f"#{TOKEN}")
    assert off_loopback.admits_token(["foveate", f"token.{TOKEN}"])


@pytest.mark.parametrize(
    "offered", [[], ["foveate"], ["token."], [TOKEN], ["token.a-token-of-24-letters_aB"], ["token.\xff"]]
)
def test_another_token_or_none_is_refused(off_loopback, offered):
    assert not off_loopback.admits_token(offered)


@pytest.mark.parametrize("token", ["short", "with space and sixteen", "x" * 129, "umlaut-ä-0123456789"])
def test_a_token_that_cannot_travel_is_refused(monkeypatch, token):
    monkeypatch.setenv(TOKEN_VARIABLE, token)
    with pytest.raises(InputError, match=TOKEN_VARIABLE):
        Admission.of(OPEN)


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("127.0.0.1:8555", True),
        ("localhost:8555", True),
        ("[::1]:8555", True),
        ("evil.example:8555", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[", False),
        ("a]b", False),
        ("\u2100.example", False),
    ],
)
def test_on_the_loopback_a_request_must_name_the_loopback(host, admitted):
    assert Admission.of(HERE).admits_host(host) is admitted


def test_off_the_loopback_any_name_of_the_machine_will_do(off_loopback):
    assert off_loopback.admits_host("gpu-box:8555")


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (None, True),
        ("http://127.0.0.1:8555", True),
        ("http://127.0.0.1:9000", False),
        ("https://evil.example", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_another_site_cannot_open_the_socket(origin, admitted):
    assert Admission.of(HERE).admits_origin(origin, "127.0.0.1:8555") is admitted


def test_an_origin_is_not_ours_where_the_host_is_not_told(off_loopback):
    assert not off_loopback.admits_origin("null", "")
