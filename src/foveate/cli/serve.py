"""`foveate serve`: the end with the accelerator."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: foveate serve --model vitdet-tiny-world --address 0.0.0.0:5555"


def serve(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Name or path of a model; may be given several times. The first is for devices that ask for none.",
            show_default="vitdet-tiny-world",
        ),
    ] = None,
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where devices connect; 0.0.0.0 = anywhere.")] = (
        "127.0.0.1:5555"
    ),
    keys: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of this machine's key pair; encrypts. Default: $FOVEATE_HOME/keys."),
    ] = None,
    allow: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="List of the devices' keys that are let in; encrypts. Default: DIR/allowed."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not encrypt, though others can reach the address: for tunnels.")
    ] = False,
    budget_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Most tokens of frames that go through a model together; 1 = each frame alone."),
    ] = None,
    decoders: Annotated[int, typer.Option(min=1, help="Threads that decode pictures while the model works.")] = 1,
    most_clients: Annotated[int, typer.Option(min=1, help="Devices that are served at a time.")] = 256,
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
    """Answer devices until interrupted.

    Off this machine all traffic is encrypted, and only devices whose keys are allowed get anything: make a key pair
    with `foveate keys new` and let devices in with `foveate keys allow`.
    """
    import ipaddress
    import sys

    from foveate.cli.interrupts import interrupts
    from foveate.cli.keys import server_keys, told
    from foveate.core import InputError

    host = address.rpartition(":")[0]
    try:
        _ = host == "localhost" or ipaddress.ip_address(host.strip("[]"))
    except ValueError as error:
        raise InputError(f"an address is HOST:PORT with an IP address as host, got {address!r}") from error
    trusted = server_keys(address, keys, allow, insecure=insecure)

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
    from foveate.server import BUDGET_TOKENS, ServerLimits
    from foveate.server import serve as answer

    with Watchers(watch) as watchers:
        detectors = [load_detector(name) for name in dict.fromkeys(model or ["vitdet-tiny-world"])]
        for detector in detectors:
            # The first inference allocates and tunes: a device should not wait for it, least of all after a restart.
            detector.detect_batch([np.zeros((720, 1280, 3), np.uint8)])
        names = ", ".join(detector.name for detector in detectors)
        with ZmqHub(address, keys=trusted, insecure=insecure) as hub, interrupts() as interrupted:
            typer.echo("\n".join([f"{names} at {address}{told(trusted)}; Ctrl-C ends it", *watchers.lines]))
            answer(
                detectors,
                hub,
                stop=interrupted,
                observers=watchers.observers,
                budget_tokens=budget_tokens or BUDGET_TOKENS,
                decoders=decoders,
                limits=ServerLimits(clients=most_clients),
            )
