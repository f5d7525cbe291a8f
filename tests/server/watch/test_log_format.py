import io
import json
import logging

import pytest

from foveate.core import InputError
from foveate.server.watch import configure_logging
from foveate.server.watch.log_format import FIELDS


@pytest.fixture
def stream():
    """Where the log goes; afterwards logging is as it was."""
    root, own = logging.getLogger(), logging.getLogger("foveate")
    before = root.handlers[:], root.level, own.level
    yield io.StringIO()
    root.handlers, own.level = before[0], before[2]
    root.setLevel(before[1])


def lines(stream):
    return stream.getvalue().splitlines()


def test_a_line_of_json_has_time_level_message_and_fields(stream):
    configure_logging("json", "info", stream)
    logging.getLogger("foveate.server").info("offload %d", 7, extra={FIELDS: {"offload_id": 7, "span_s": 0.25}})
    told = json.loads(lines(stream)[0])
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "info",
        "logger": "foveate.server",
        "message": "offload 7",
        "offload_id": 7,
        "span_s": 0.25,
    }


def test_an_exception_stays_in_its_line(stream):
    configure_logging("json", "info", stream)
    try:
        raise RuntimeError("full\ndisk")
    except RuntimeError:
        logging.getLogger("foveate.x").exception("an observer failed")
    (line,) = lines(stream)
    assert "RuntimeError: full\ndisk" in json.loads(line)["exception"]


@pytest.mark.parametrize("style", ["text", "json"])
def test_what_a_stranger_sends_makes_no_line_of_its_own(stream, style):
    configure_logging(style, "info", stream)
    logging.getLogger("foveate.x").info("refused", extra={FIELDS: {"text": 'no\n2026 error "forged"'}})
    assert len(lines(stream)) == 1


def test_text_shows_fields_as_words(stream):
    configure_logging("text", "info", stream)
    logging.getLogger("foveate.x").info(
        "refused", extra={FIELDS: {"reason": "busy", "text": "too many wait", "s": 0.1234567}}
    )
    assert lines(stream)[0].endswith(' info    refused reason=busy text="too many wait" s=0.123457')


def test_levels_hold_for_foveate_and_others_are_heard_from_warnings_on(stream):
    configure_logging("text", "debug", stream)
    logging.getLogger("foveate.x").debug("ours")
    logging.getLogger("other").info("theirs")
    logging.getLogger("other").warning("their warning")
    assert [line.split()[-1] for line in lines(stream)] == ["ours", "warning"]


@pytest.mark.parametrize(("style", "level"), [("xml", "info"), ("json", "loud")])
def test_unknown_names_list_the_known_ones(stream, style, level):
    with pytest.raises(InputError, match=r"text or json|debug, info, warning, error"):
        configure_logging(style, level, stream)
