"""A profile of round numbers, for tests."""

from foveate.core import (
    CodecProfile,
    ContentProfile,
    DeviceProfile,
    InferenceModel,
    Profile,
    Provenance,
    Regression,
    ServerProfile,
)
from foveate.estimators import ACCURACY_FEATURES, SIZE_FEATURES


def linear(features: tuple[str, ...], weights: dict[str, float], bias: float) -> Regression:
    """A regression of one layer; features that `weights` does not name count nothing."""
    row = tuple(weights.get(name, 0.0) for name in features)
    ones, zeros = (1.0,) * len(features), (0.0,) * len(features)
    return Regression(features=features, mean=zeros, scale=ones, layers=(((row,), (bias,)),), output="linear")


def round_profile() -> Profile:
    """28 regions of a 1080p frame; a full frame takes 0.2 s, each downsampled region saves 5 ms at the last point."""
    return Profile(
        name="round",
        provenance=Provenance(origin="measured", machine="none", date="2000-01-01", assumed=("all of it",)),
        codec=CodecProfile(
            frame_size=(1080, 1920),
            regions=28,
            qualities=(70, 100),
            downsampled=(0, 28),
            encode_s=((0.020, 0.006), (0.040, 0.012)),
            decode_s=(0.012, 0.004),
        ),
        server=ServerProfile(
            frame_size=(1080, 1920),
            regions=28,
            full_s=0.2,
            half_s=0.05,
            inference={k: InferenceModel(coefficients=(0.2, -0.00125 * k), residual=0.01) for k in range(5)},
        ),
        device=DeviceProfile(cores=2, motion_s=0.004, tracker_frame_s=0.002, tracker_object_s=0.0001, decide_s=0.001),
        content=ContentProfile(
            size=linear(SIZE_FEATURES, {"jpeg_quality": 0.001, "downsampled_share": -0.05}, 0.05),
            accuracy=linear(
                ACCURACY_FEATURES, {"jpeg_quality": 0.002, "downsampled_share": -0.2, "restoration_point": -0.01}, 0.75
            ),
        ),
    )
