"""`foveate serve`: the end with the accelerator."""

from typing import Annotated

import typer

EXAMPLE = "Example: foveate serve --model vitdet-tiny-world --address 127.0.0.1:5555"


def serve(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Name or path of a model; may be given several times. The first is for devices that ask for none.",
            show_default="vitdet-tiny-world",
        ),
    ] = None,
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where devices connect; on the loopback.")] = (
        "127.0.0.1:5555"
    ),
    budget_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Most tokens of frames that go through a model together; 1 = each frame alone."),
    ] = None,
    decoders: Annotated[int, typer.Option(min=1, help="Threads that decode pictures while the model works.")] = 1,
) -> None:
    """Answer devices until interrupted. Traffic is not encrypted, so only this machine can connect."""
    import ipaddress

    from foveate.core import InputError

    host = address.rpartition(":")[0]
    try:
        local = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError as error:
        raise InputError(f"an address is HOST:PORT with an IP address as host, got {address!r}") from error
    if not local:
        raise InputError(f"traffic is not encrypted: serve on the loopback and use a tunnel, got {address}")

    # What was asked for can be: now load what takes seconds.
    import numpy as np

    from foveate.models import load_detector
    from foveate.network.transports import ZmqHub
    from foveate.server import BUDGET_TOKENS
    from foveate.server import serve as answer

    detectors = [load_detector(name) for name in dict.fromkeys(model or ["vitdet-tiny-world"])]
    for detector in detectors:
        # The first inference allocates and tunes: a device should not wait for it, least of all after a restart.
        detector.detect_batch([np.zeros((720, 1280, 3), np.uint8)])
    names = ", ".join(detector.name for detector in detectors)
    with ZmqHub(address) as hub:
        typer.echo(f"{names} at {address}; Ctrl-C ends it")
        answer(detectors, hub, stop=lambda: False, budget_tokens=budget_tokens or BUDGET_TOKENS, decoders=decoders)
