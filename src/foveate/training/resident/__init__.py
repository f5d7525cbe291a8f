"""Batches made on an accelerator: pictures stay in its memory, and crops are drawn, cut and coloured there.

A processor that cuts crops feeds a fast accelerator at a tenth of its speed. The draws are those of `Augmenter`, a
whole batch at a time; everything here also runs on a CPU, where the tests are.
"""

from foveate.training.resident.feed import PictureFeed
from foveate.training.resident.loader import ResidentLoader
from foveate.training.resident.pool import PicturePool, fitting_slots
from foveate.training.resident.views import Views, draw_views

__all__ = ["PictureFeed", "PicturePool", "ResidentLoader", "Views", "draw_views", "fitting_slots"]
