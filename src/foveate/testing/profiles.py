"""A profile of round numbers, for tests."""

from foveate.core import (
    CLASS_QUALITIES,
    AccuracyLine,
    AccuracyTable,
    ClassProfile,
    CodecProfile,
    ContentProfile,
    DeviceProfile,
    InferenceModel,
    Profile,
    Provenance,
    Regression,
    ServerProfile,
    SizeLine,
    SizeTable,
)
from foveate.estimators import ACCURACY_FEATURES, SIZE_FEATURES


def linear(features: tuple[str, ...], weights: dict[str, float], bias: float) -> Regression:
    """A regression of one layer; features that `weights` does not name count nothing."""
    row = tuple(weights.get(name, 0.0) for name in features)
    ones, zeros = (1.0,) * len(features), (0.0,) * len(features)
    return Regression(features=features, mean=zeros, scale=ones, layers=(((row,), (bias,)),), output="linear")


def class_profile() -> ClassProfile:
    """Bytes in proportion to quality, and worth that rises with the class."""
    return ClassProfile(
        line=SizeLine(slope=0.01, intercept=0.0),
        table=SizeTable(qualities=CLASS_QUALITIES, ratio=(tuple(q / 100 for q in CLASS_QUALITIES),) * 3),
        accuracy=AccuracyLine(weights=(0.001, 0.002, 0.003), bias=0.2),
        accuracy_table=AccuracyTable(
            qualities=CLASS_QUALITIES,
            worth=tuple(tuple(weight * q for q in CLASS_QUALITIES) for weight in (0.001, 0.002, 0.003)),
            bias=0.2,
        ),
        original_per_thumbnail=20.0,
    )


def round_profile(*, classes: ClassProfile | None = None) -> Profile:
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
        classes=classes,
    )
