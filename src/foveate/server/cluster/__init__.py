"""The engine on a Ray cluster, behind the same session and hub: replicas of detectors, called by handle (extra `ray`).

`gateway` knows nothing of Ray; `replica` runs on the cluster's nodes; `deployment` brings them together.
"""

from foveate.server.cluster.gateway import Ask, Gateway, serve_models
from foveate.server.cluster.outcome import Outcome

__all__ = ["Ask", "Gateway", "Outcome", "serve_models"]
