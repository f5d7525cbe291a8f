"""Where tables go: as wide as the terminal, and never folded where a program or a file reads along."""

import os

from rich.console import Console

_UNFOLDED = 1000


def table_console() -> Console:
    """A console on standard output. COLUMNS sets its width as usual."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _UNFOLDED
    return console
