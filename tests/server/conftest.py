"""Events as a server would tell them."""

import numpy as np
import pytest

from foveate.codec import encode_frame
from foveate.core import OffloadPlan
from foveate.network.messages import Offload
from foveate.server import Inferred
from foveate.server.engine import welcome_of
from foveate.server.events import OffloadAnswered
from foveate.testing import FakeDetector, moving_squares


@pytest.fixture(scope="session")
def welcome():
    """The fake model's description: regions of 64 pixels, 4 subsets."""
    return welcome_of(FakeDetector())


@pytest.fixture(scope="session")
def pixels():
    return next(moving_squares(1))


@pytest.fixture(scope="session")
def offload():
    """Makes messages: `offload(pixels, grid=.., mask=.., number=..)`."""
    return _offload


def _offload(pixels, *, grid, mask=None, number=0, point=2, quality=90):
    encoded = encode_frame(pixels, grid=grid, mask=mask, quality=quality)
    plan = OffloadPlan(downsampling_mask=mask, restoration_point=point if mask is not None else 0, jpeg_quality=quality)
    return Offload.of(
        plan,
        offload_id=number,
        frame_index=3 * number,
        grid=grid,
        score_threshold=0.5,
        patience_s=60.0,
        full=encoded.full,
        low=encoded.low,
    )


@pytest.fixture(scope="session")
def answered(welcome, pixels):
    """Makes answers: `answered(client, number=.., masked=.., batch_size=..)`."""
    grid = welcome.grid(*pixels.shape[:2])

    def answer(client=b"\x00camera", *, number=0, masked=True, batch_size=1, queue_s=0.01):
        mask = np.zeros(grid.shape, bool)
        mask[0] = masked
        offload = _offload(pixels, grid=grid, mask=mask if masked else None, number=number)
        found = FakeDetector().detect_batch([pixels])[0]
        inferred = Inferred(
            detections=found,
            decode_s=0.004,
            inference_s=0.15,
            model="fake",
            batch_size=batch_size,
            tokens=78 if masked else 96,
            full_tokens=96,
        )
        return OffloadAnswered(client=client, offload=offload, inferred=inferred, queue_s=queue_s)

    return answer
