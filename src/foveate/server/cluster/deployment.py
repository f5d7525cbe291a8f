"""Models as deployments of Ray Serve: one for each detector, with as many replicas as the load asks for, and expert."""

import logging
import os
import re
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from foveate import __version__
from foveate.core import FoveateError, InputError
from foveate.network.messages import Welcome
from foveate.server.cluster.gateway import Ask
from foveate.server.cluster.outcome import Outcome
from foveate.server.engine import DetectorLike
from foveate.server.expert_worker import LoadExpert
from foveate.server.queue import BUDGET_TOKENS
from foveate.server.work import Work

LOCAL = "local"
"""In place of an address: a cluster that is started here and ends with the gateway."""
_CONNECT_S = 5.0
_START_S = 300.0
"""How long a replica may take to load its model."""


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """How detectors are run on a cluster. Raises `InputError` on what cannot be."""

    address: str
    """Of a running cluster (`HOST:PORT` or `auto`), or `local`."""
    replicas: tuple[int, int] = (1, 1)
    """Fewest and most copies of each detector; between them Ray follows the load."""
    ongoing: int = 8
    """Most offloads that one replica has at a time: those in its model and those of its next batch."""
    budget_tokens: int = BUDGET_TOKENS
    """Most tokens of a batch."""
    batch_wait_s: float = 0.002
    """How long the first frame of a batch waits for others, seconds."""
    cpus: float = 1.0
    """Cores that Ray reserves for a replica."""
    gpus: float | None = None
    """GPUs that Ray reserves for a replica; None = one where the cluster has any."""

    def __post_init__(self) -> None:
        least, most = self.replicas
        if not 1 <= least <= most:
            raise InputError(f"replicas are LEAST:MOST with 1 <= LEAST <= MOST, got {least}:{most}")
        if self.ongoing < 1 or self.budget_tokens < 1 or not self.batch_wait_s >= 0:
            raise InputError("ongoing and budget_tokens must be 1 or more, batch_wait_s 0 or more")

    @property
    def most_asked(self) -> int:
        """Offloads of one detector that may be with its replicas."""
        return self.replicas[1] * self.ongoing


class Cluster:
    """A connection to a cluster. Raises `FoveateError` without Ray, without a cluster, or without a detector's weights.

    On a cluster that ran before, deployments stay when it is closed: the next gateway finds them loaded.
    """

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self._handles: list[Any] = []
        self._ray, self._serve = _import_ray()
        _check_reachable(options.address)
        if options.address == LOCAL:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            self._ray.init(
                address=options.address, namespace="foveate", log_to_driver=False, configure_logging=False,
                **({"include_dashboard": False} if options.address == LOCAL else {}),
            )  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise FoveateError(f"no Ray cluster at {options.address}: {str(error).splitlines()[0]}") from error
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        # Devices come through our gateway alone.
        self._serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING"})

    def deploy(self, name: str, load: Callable[[str], DetectorLike]) -> tuple[Welcome, Ask]:
        """Run a detector, which each node loads by its name -> its description, and how it is asked.

        One that runs already with the same settings stays as it is: a gateway that is started again, or a second one,
        waits for no model.
        """
        settings = f"{__version__} {replace(self._options, address='')}"
        try:
            handle = self._running(name, settings) or self._start(name, load, settings)
            welcome: Welcome = handle.welcome.remote().result(timeout_s=_START_S)
        except Exception as error:  # Ray's own, among them what the model's loading raised
            raise FoveateError(f"cannot run {name} on the cluster: {self._reason(name, error)}") from error
        return welcome, _asking(handle)

    def deploy_all(self, names: Sequence[str], load: Callable[[str], DetectorLike]) -> dict[str, tuple[Welcome, Ask]]:
        """Run several detectors -> what a gateway needs of each, by the model's own name."""
        return {welcome.model: (welcome, ask) for welcome, ask in (self.deploy(name, load) for name in names)}

    def start_expert(self, name: str, load: LoadExpert, size: tuple[int, int]) -> Any:
        """Run an expert as an application `name` -> its handle, once it is loaded.

        `size`: height and width of pictures, pixels. Raises `FoveateError` if it cannot be loaded.
        """
        from foveate.server.cluster.expert_replica import ExpertReplica  # noqa: PLC0415  # as the detectors' replica

        deployment = self._serve.deployment(ExpertReplica, name="expert", num_replicas=1, **self._care())
        try:
            handle = self._serve.run(deployment.bind(load, size), name=application_name(name), route_prefix=None)
            self._handles.append(handle)
            handle.ready.remote().result(timeout_s=_START_S)
        except Exception as error:  # Ray's own, among them what the model's loading raised
            raise FoveateError(self._reason(name, error)) from error
        return handle

    def remove(self, name: str) -> None:
        """End an application, if it is there."""
        self._serve.delete(application_name(name), _blocking=False)

    def _running(self, name: str, settings: str) -> Any:
        """The handle of a detector that runs with these settings; None if there is none."""
        found = self._serve.status().applications.get(application_name(name))
        if found is None or found.status != "RUNNING":
            return None
        handle = self._serve.get_app_handle(application_name(name))
        self._handles.append(handle)
        return handle if handle.settings.remote().result(timeout_s=_START_S) == settings else None

    def _start(self, name: str, load: Callable[[str], DetectorLike], settings: str) -> Any:
        from foveate.server.cluster.replica import DetectorReplica  # noqa: PLC0415  # needs Ray

        options = self._options
        deployment = self._serve.deployment(
            DetectorReplica,
            name="detector",
            autoscaling_config=self._autoscaling(),
            max_ongoing_requests=options.ongoing,
            **self._care(),
        )
        how = {"budget_tokens": options.budget_tokens, "batch_wait_s": options.batch_wait_s, "settings": settings}
        handle = self._serve.run(deployment.bind(load, name, **how), name=application_name(name), route_prefix=None)
        self._handles.append(handle)
        return handle

    def _reason(self, name: str, error: Exception) -> str:
        """What went wrong on the node: Ray keeps it with the deployment's state."""
        found = self._serve.status().applications.get(application_name(name))
        told = [] if found is None else [one.message for one in found.deployments.values() if one.message]
        return last_error("\n".join([str(error), *told]))

    def close(self) -> None:
        """Disconnect; a cluster that was started here ends."""
        for handle in self._handles:  # or their threads would go on to report to a cluster that is not there
            with suppress(Exception):
                handle.shutdown()
        if self._options.address == LOCAL:
            self._serve.shutdown()
        self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _care(self) -> dict[str, Any]:
        """What every replica reserves, and how it is looked after."""
        return {
            "ray_actor_options": {"num_cpus": self._options.cpus, "num_gpus": self._gpus()},
            "health_check_period_s": 2.0,
            "health_check_timeout_s": 10.0,
            "graceful_shutdown_timeout_s": 5.0,
            "max_constructor_retry_count": 2,
        }

    def _autoscaling(self) -> dict[str, Any]:
        least, most = self._options.replicas
        return {
            "min_replicas": least,
            "initial_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": max(1, self._options.ongoing // 2),
            "upscale_delay_s": 5.0,
            "downscale_delay_s": 60.0,
        }

    def _gpus(self) -> float:
        if self._options.gpus is not None:
            return self._options.gpus
        return 1.0 if self._ray.cluster_resources().get("GPU", 0) >= 1 else 0.0


def application_name(name: str) -> str:
    """What Ray calls the application of a detector: `foveate-` and its name or path, in letters that it takes."""
    return "foveate-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")


def _check_reachable(address: str) -> None:
    """Raise `FoveateError` where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # "auto", "local", or an address of Ray's own kinds
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
    except OSError as error:
        raise FoveateError(f"no Ray cluster at {address}: {error.strerror or error}") from error


def _asking(handle: Any) -> Ask:
    async def ask(work: Work) -> Outcome:
        outcome: Outcome = await handle.answer.remote(work)
        return outcome

    return ask


def last_error(text: str) -> str:
    """The last line of tracebacks that names an error: what was raised in the first place; else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    return (named or lines or ["unknown"])[-1]


def _import_ray() -> tuple[Any, Any]:
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # no call may start a cluster that nobody asked for
    try:
        import ray  # noqa: PLC0415  # only a cluster needs it
        from ray import serve  # noqa: PLC0415
    except ImportError as error:
        raise FoveateError("a cluster needs ray[serve]: pip install 'foveate[ray]'") from error
    return ray, serve
