"""What the server of these tests says of its model."""

from foveate.network.messages import Welcome

NAMES = ("person", "car")
WELCOME = Welcome(
    model="m",
    weights_hash="h",
    class_names=list(NAMES),
    score_threshold=0.3,
    patch_size=16,
    window_size=2,
    downsampling_factor=2,
    subsets=4,
)
