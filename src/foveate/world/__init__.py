"""Rendered streets with exact truth: clips and stills to train and to measure on (extra `world`)."""

from foveate.world.clip import render_clip
from foveate.world.coco import CATEGORIES
from foveate.world.errors import OrderError, RendererError, WorldError
from foveate.world.scenarios import SCENARIOS
from foveate.world.stills import render_stills

__all__ = ["CATEGORIES", "SCENARIOS", "OrderError", "RendererError", "WorldError", "render_clip", "render_stills"]
