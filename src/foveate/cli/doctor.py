"""`foveate doctor`: whether this machine can do its work, and what to do where it cannot."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from foveate.doctor import Examination

EXAMPLE = "Example: foveate doctor --for server --address 127.0.0.1:5555"

_MARKS = {"ok": "[green]✓[/]", "note": "[yellow]•[/]", "fail": "[bold red]✗[/]"}


def doctor(
    *,
    role: Annotated[
        str | None, typer.Option("--for", metavar="device|server", help="What for; default: a server if torch is here.")
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Where the server would listen; may be given again."),
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Also try to reach the server of a device.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check processor, GPU, torch, codec, disk, clock, ports, keys and weights; say what to do.

    Ends with 0 if nothing failed, else with 1. Notes are about what only some need.
    """
    import json

    from foveate.core import InputError
    from foveate.doctor import ROLES, examine
    from foveate.doctor.examination import likely_role
    from foveate.server.watch import Address

    chosen = next((known for known in ROLES if known == role), None) if role else likely_role()
    if chosen is None:
        raise InputError(f"--for is one of {', '.join(ROLES)}, got {role!r}")
    addresses = [str(Address.parse(text)) for text in address or ["127.0.0.1:5555"]]
    found = examine(chosen, addresses=addresses, server=None if server is None else str(Address.parse(server)))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        _show(found)
    raise typer.Exit(0 if found.healthy else 1)


def _show(found: "Examination") -> None:
    from foveate.cli.tables import table_console

    console = table_console()
    console.print(_table(found))
    count = sum(finding.level == "fail" for finding in found.findings)
    verdict = "[green]fit[/]" if found.healthy else f"[bold red]not fit[/]: {count} to mend"
    console.print(f"As a {found.role}, this machine is {verdict}.")


def _table(found: "Examination") -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "", "found", "what to do", box=box.SIMPLE_HEAD, pad_edge=False)
    group = found.findings[0].group
    for finding in found.findings:
        if finding.group != group:
            group = finding.group
            table.add_section()
        table.add_row(_MARKS[finding.level], finding.what, escape(finding.found), escape(finding.advice))
    return table
