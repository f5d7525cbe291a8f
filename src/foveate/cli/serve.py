"""`foveate serve`: the end with the accelerator."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

if TYPE_CHECKING:
    from foveate.network.transports import Hub
    from foveate.server import Observer, ServerLimits
    from foveate.server.cluster.deployment import ClusterOptions

EXAMPLE = "Example: foveate serve --model vitdet-tiny-world --address 0.0.0.0:5555"

Run = Callable[["Hub", Callable[[], bool]], None]
"""Answers the devices of a hub until it is told to stop."""


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
        typer.Option(
            min=1,
            help="Most tokens of frames that go through a model together; 1 = each frame alone.",
            show_default="2048, on an accelerator 32768",
        ),
    ] = None,
    decoders: Annotated[
        int | None, typer.Option(min=1, help="Threads that decode pictures while the model works.", show_default="1")
    ] = None,
    most_clients: Annotated[int, typer.Option(min=1, help="Devices that are served at a time.")] = 256,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Run the models on this Ray cluster; `local` starts one, `auto` finds it."
        ),
    ] = None,
    replicas: Annotated[
        str | None,
        typer.Option(
            metavar="LEAST:MOST",
            help="Copies of each model on the cluster; load decides between them.",
            show_default="1:1",
        ),
    ] = None,
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
    from foveate.server.watch import Address, Watchers, WatchOptions, configure_logging

    listening = Address.parse(address)
    host = listening.host
    try:
        _ = host == "localhost" or ipaddress.ip_address(host)
    except ValueError as error:
        raise InputError(f"an address is HOST:PORT with an IP address as host, got {address!r}") from error
    if ray is None and replicas is not None:
        raise InputError("--replicas are copies on a Ray cluster: name it with --ray")
    if ray is not None and decoders is not None:
        raise InputError("--decoders are threads of this machine: on a Ray cluster replicas decode")
    trusted = server_keys(address, keys, allow, insecure=insecure)
    watch = WatchOptions(
        metrics=None if metrics is None else Address.parse(metrics),
        page=Address.parse(page_at or "127.0.0.1:8555") if page or page_at else None,
    )

    configure_logging(log, log_level, sys.stderr)

    options = None if ray is None else _cluster_options(ray, replicas or "1:1", budget_tokens)

    # What was asked for can be: now load what takes seconds.
    from foveate.network.transports import ZmqHub
    from foveate.server import ServerLimits

    names = list(dict.fromkeys(model or ["vitdet-tiny-world"]))
    with Watchers(watch) as watchers:

        def answer(models: Sequence[str], run: Run) -> None:
            with ZmqHub(address, keys=trusted, insecure=insecure) as hub, interrupts() as interrupted:
                bound = replace(listening, port=hub.port)
                line = f"{', '.join(models)} at {bound}{told(trusted)}; Ctrl-C ends it"
                typer.echo("\n".join([line, *watchers.lines]))
                run(hub, interrupted)

        common = _Common(limits=ServerLimits(clients=most_clients), observers=watchers.observers)
        if options is None:
            _serve_here(names, answer, budget_tokens=budget_tokens, decoders=decoders or 1, common=common)
        else:
            _serve_on_cluster(names, options, answer, common=common)


class _Common(TypedDict):
    """What a server has wherever its models run."""

    limits: "ServerLimits"
    observers: "Sequence[Observer]"


def _serve_here(
    names: Sequence[str],
    answer: Callable[[Sequence[str], Run], None],
    *,
    budget_tokens: int | None,
    decoders: int,
    common: _Common,
) -> None:
    import numpy as np

    from foveate.models import load_detector
    from foveate.server import ACCELERATOR_BUDGET_TOKENS, BUDGET_TOKENS, serve

    detectors = [load_detector(name) for name in names]
    for detector in detectors:
        # The first inference allocates and tunes: a device should not wait for it, least of all after a restart.
        detector.detect_batch([np.zeros((720, 1280, 3), np.uint8)])
    on_cpu = all(detector.torch_device.type == "cpu" for detector in detectors)
    budget = budget_tokens or (BUDGET_TOKENS if on_cpu else ACCELERATOR_BUDGET_TOKENS)
    answer(
        [detector.name for detector in detectors],
        lambda hub, stop: serve(detectors, hub, stop=stop, budget_tokens=budget, decoders=decoders, **common),
    )


def _serve_on_cluster(
    names: Sequence[str],
    options: "ClusterOptions",
    answer: Callable[[Sequence[str], Run], None],
    *,
    common: _Common,
) -> None:
    from foveate.models import load_detector
    from foveate.server.cluster import serve_models
    from foveate.server.cluster.deployment import Cluster

    with Cluster(options) as cluster:
        models = cluster.deploy_all(names, load_detector)
        most_asked = len(models) * options.most_asked
        answer(
            list(models),
            lambda hub, stop: serve_models(models, hub, most_asked=most_asked, stop=stop, **common),
        )


def _cluster_options(address: str, replicas: str, budget_tokens: int | None) -> "ClusterOptions":
    from foveate.core import InputError
    from foveate.server import BUDGET_TOKENS
    from foveate.server.cluster.deployment import ClusterOptions

    least, colon, most = replicas.partition(":")
    if not (least.isdecimal() and (most.isdecimal() or not colon)):
        raise InputError(f"replicas are LEAST:MOST, such as 1:4, got {replicas!r}")
    bounds = int(least), int(most or least)
    return ClusterOptions(address=address, replicas=bounds, budget_tokens=budget_tokens or BUDGET_TOKENS)
