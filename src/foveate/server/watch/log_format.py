"""How lines of the log look: for people, or one JSON object a line for programs."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, TextIO

from foveate.core import InputError

STYLES = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
FIELDS = "foveate_fields"
"""Attribute of a log record that holds further fields: `logger.info(text, extra={FIELDS: {...}})`."""


class JsonFormatter(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`, the record's own fields, and `exception` where there was one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record -> one line."""
        line: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, message, then fields as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """One record -> one line, and a traceback behind it where there was an exception."""
        fields = "".join(f" {name}={_word(value)}" for name, value in getattr(record, FIELDS, {}).items())
        line = f"{_utc(record.created)} {record.levelname.lower():7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(style: str, level: str, stream: TextIO) -> None:
    """Send the log to `stream`; other libraries from warnings on. Raises `InputError` on unknown names."""
    if style not in STYLES:
        raise InputError(f"a log is {' or '.join(STYLES)}, got {style!r}")
    if level not in LEVELS:
        raise InputError(f"a log level is one of {', '.join(LEVELS)}, got {level!r}")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("foveate").setLevel(level.upper())


def _utc(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: object) -> str:
    """A value that stays one word, whatever a stranger put into it."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and not set(text) & set(' "=') and text else json.dumps(text)
