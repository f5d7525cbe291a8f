import pytest

from foveate.core import InputError
from foveate.server.watch import Address


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:9100", "127.0.0.1", 9100, True),
        ("127.9.9.9:1", "127.9.9.9", 1, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:80", "::1", 80, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),
        ("[::]:80", "::", 80, False),
        ("camera-box:80", "camera-box", 80, False),
    ],
)
def test_a_host_and_a_port_are_read_and_written_alike(text, host, port, loopback):
    address = Address.parse(text)
    assert (address.host, address.port, address.is_loopback, str(address)) == (host, port, loopback, text)


@pytest.mark.parametrize(
    "text", ["9100", ":9100", "host", "host:", "host:x", "host:70000", "::1:80", "host:" + "9" * 5000, ""]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match="HOST:PORT"):
        Address.parse(text)
