"""`foveate serve`: the end with the accelerator."""

from typing import Annotated

import typer

EXAMPLE = "Example: foveate serve --model vitdet-tiny-world --address 127.0.0.1:5555"


def serve(
    *,
    model: Annotated[str, typer.Option(help="Name or path of the model.")] = "vitdet-tiny-world",
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where devices connect; on the loopback.")] = (
        "127.0.0.1:5555"
    ),
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Answer /metrics (Prometheus), /healthz and /readyz over HTTP."),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Show what each device sees in a browser, at 127.0.0.1:8555.")
    ] = False,
    page_at: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The page at another address; off the loopback it asks for a token."),
    ] = None,
    log: Annotated[str, typer.Option(metavar="text|json", help="How lines of the log look.")] = "text",
    log_level: Annotated[
        str, typer.Option(metavar="debug|info|warning|error", help="debug tells of every offload.")
    ] = "info",
) -> None:
    """Answer devices until interrupted. Traffic is not encrypted, so only this machine can connect."""
    import ipaddress
    import sys

    from foveate.cli.interrupts import interrupts
    from foveate.core import InputError

    host = address.rpartition(":")[0]
    try:
        local = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError as error:
        raise InputError(f"an address is HOST:PORT with an IP address as host, got {address!r}") from error
    if not local:
        raise InputError(f"traffic is not encrypted: serve on the loopback and use a tunnel, got {address}")

    from foveate.server.watch import Address, Watchers, WatchOptions, configure_logging

    watch = WatchOptions(
        metrics=None if metrics is None else Address.parse(metrics),
        page=Address.parse(page_at or "127.0.0.1:8555") if page or page_at else None,
    )

    configure_logging(log, log_level, sys.stderr)

    # What was asked for can be: now load what takes seconds.
    import numpy as np

    from foveate.models import load_detector
    from foveate.network.transports import ZmqHub
    from foveate.server import serve as answer

    with Watchers(watch) as watchers:
        detector = load_detector(model)
        # The first inference allocates and tunes: a device should not wait for it, least of all after a restart.
        detector.detect_batch([np.zeros((720, 1280, 3), np.uint8)])
        with ZmqHub(address) as hub:
            typer.echo("\n".join([f"{detector.name} at {address}; Ctrl-C ends it", *watchers.lines]))
            with interrupts() as interrupted:
                answer(detector, hub, stop=interrupted, observers=watchers.observers)
