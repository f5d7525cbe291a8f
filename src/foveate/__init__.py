"""foveate: ViT video analytics that spends full resolution only where it matters."""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Detections": "foveate.core",
    "FoveateError": "foveate.core",
    "OffloadPlan": "foveate.core",
    "RegionGrid": "foveate.core",
    "UplinkTrace": "foveate.network",
    "load_detector": "foveate.models",
    "load_model": "foveate.models",
    "metrics": "foveate.metrics",
    "models": "foveate.models",
    "policies": "foveate.policies",
    "run_live": "foveate.device",
    "simulate": "foveate.evaluation.simulated",
}
"""Where each public name lives; it is imported when it is first used, so `import foveate` costs nothing."""

__all__ = [
    "Detections",
    "FoveateError",
    "OffloadPlan",
    "RegionGrid",
    "UplinkTrace",
    "load_detector",
    "load_model",
    "metrics",
    "models",
    "policies",
    "run_live",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'foveate' has no attribute {name!r}; it has {', '.join(__all__)}")
    module = importlib.import_module(_HOMES[name])
    return module if module.__name__ == f"foveate.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
