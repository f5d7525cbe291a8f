import logging

from foveate.server.events import ClientForgotten, ClientGreeted
from foveate.server.telling import Telling


def broken(event):
    raise RuntimeError("full disk")


def test_an_observer_that_raises_keeps_nothing_from_those_after_it():
    seen = []
    tell = Telling([broken, seen.append])
    event = ClientGreeted(client=b"a")
    tell(event)
    assert seen == [event]


def test_an_observer_that_always_raises_is_logged_once_for_each_kind_of_event(caplog):
    tell = Telling([broken])
    with caplog.at_level(logging.ERROR):
        for client in (b"a", b"b"):
            tell(ClientGreeted(client=client))
            tell(ClientForgotten(client=client))
    assert [record.message.split(";")[0] for record in caplog.records] == [
        "an observer failed on ClientGreeted",
        "an observer failed on ClientForgotten",
    ]
    assert "full disk" in caplog.text
