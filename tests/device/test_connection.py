"""What a session says of its connection; when it asks and dials is tested in test_contact.py."""

import pytest
from tests.welcome import WELCOME

from foveate.core import ProtocolError
from foveate.device.connection import Connection
from foveate.device.events import Lost


@pytest.fixture
def connection():
    connection = Connection()
    connection.greet(0.0)
    connection.welcomed(WELCOME)
    return connection


def test_a_refusal_after_a_loss_is_told_once_for_each_reason(connection):
    assert connection.ended("closed", 1.0, refused=False) == [Lost(reason="closed")]
    assert connection.ended("the key is not known", 2.0, refused=True) == [Lost(reason="the key is not known")]
    assert connection.ended("the key is not known", 3.0, refused=True) == []
    assert connection.ended("nobody there", 4.0, refused=False) == []
    assert connection.ended("another version", 5.0, refused=True) == [Lost(reason="another version")]


def test_after_a_new_welcome_the_same_refusal_is_news(connection):
    connection.ended("the key is not known", 1.0, refused=True)
    assert connection.welcomed(WELCOME)
    assert connection.ended("closed", 2.0, refused=False) == [Lost(reason="closed")]
    assert connection.ended("the key is not known", 3.0, refused=True) == [Lost(reason="the key is not known")]


def test_a_refusal_before_the_first_welcome_ends_the_start():
    connection = Connection()
    connection.greet(0.0)
    with pytest.raises(ProtocolError, match="no such model"):
        connection.refused(ProtocolError("no such model"), 1.0)
