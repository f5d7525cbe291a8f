"""Profiles: how long a device, a codec and a server take, and what content makes of a configuration.

Plain numbers in frozen types, each with its origin. `estimators` reads and writes them as JSON.
"""

from dataclasses import dataclass, field
from typing import Literal

from foveate.core.class_profile import ClassProfile
from foveate.core.errors import InputError
from foveate.core.provenance import Provenance


@dataclass(frozen=True, kw_only=True)
class CodecProfile:
    """Seconds to split and compress a frame, by quality and N_d, and to decode it. Raises `InputError` on gaps."""

    frame_size: tuple[int, int]
    """`(height, width)` of the frames that were measured."""
    regions: int
    """How many decision regions such a frame has."""
    qualities: tuple[int, ...]
    """Rising."""
    downsampled: tuple[int, ...]
    """N_d of the columns, rising from 0 to `regions`."""
    encode_s: tuple[tuple[float, ...], ...]
    """One row per quality, one column per N_d."""
    decode_s: tuple[float, ...]
    """One per N_d, mean over qualities."""

    def __post_init__(self) -> None:
        rows, columns = len(self.qualities), len(self.downsampled)
        shapes = [len(self.encode_s) == rows, all(len(row) == columns for row in self.encode_s)]
        if not (rows and columns and all(shapes) and len(self.decode_s) == columns):
            raise InputError(f"an encoding table needs {rows} rows of {columns} numbers and {columns} decoding times")
        _check_measured(self.frame_size, self.regions)
        if list(self.qualities) != sorted(set(self.qualities)) or list(self.downsampled) != sorted(
            set(self.downsampled)
        ):
            raise InputError("qualities and numbers of downsampled regions must rise")
        if (self.downsampled[0], self.downsampled[-1]) != (0, self.regions):
            raise InputError(
                f"numbers of downsampled regions must reach from 0 to all {self.regions}, got {self.downsampled}"
            )


@dataclass(frozen=True, kw_only=True)
class InferenceModel:
    """Seconds of inference at one restoration point as a polynomial in N_d."""

    coefficients: tuple[float, ...]
    """c_0 + c_1 N_d + c_2 N_d^2 ...: two numbers make a line, three a parabola."""
    residual: float
    """Largest relative error of the fit over the measured points."""

    def __post_init__(self) -> None:
        if not self.coefficients:
            raise InputError("an inference model needs at least one coefficient")

    def seconds(self, downsampled: float) -> float:
        """Time for a frame with `downsampled` regions at low resolution."""
        return sum(c * downsampled**power for power, c in enumerate(self.coefficients))


@dataclass(frozen=True, kw_only=True)
class ServerProfile:
    """Seconds from tokens to boxes. Raises `InputError` without a model for every point."""

    frame_size: tuple[int, int]
    """`(height, width)` of the frames that were measured."""
    regions: int
    """How many decision regions such a frame has."""
    full_s: float
    """A frame with nothing downsampled."""
    half_s: float
    """A frame of half the height and width, as an image of its own."""
    inference: dict[int, InferenceModel]
    """By restoration point."""
    late: InferenceModel | None = None
    """Restored after the last block, which is no point of its own; None: nobody measured it."""
    spread: float = 0.0
    """Relative standard deviation of repeated measurements."""
    lines: dict[int, InferenceModel] = field(default_factory=dict)
    """By restoration point: the line through the same measurements, where `inference` has something better."""

    def __post_init__(self) -> None:
        _check_measured(self.frame_size, self.regions)
        if not (self.full_s > 0 and self.half_s > 0):
            raise InputError(f"inference of whole frames takes more than 0 s, got {self.full_s} and {self.half_s}")
        if sorted(self.inference) != list(range(len(self.inference))):
            raise InputError(f"inference models must cover restoration points from 0, got {sorted(self.inference)}")
        if unknown := sorted(set(self.lines) - set(self.inference)):
            raise InputError(f"lines of inference for restoration points without a model: {unknown}")


def _check_measured(frame_size: tuple[int, int], regions: int) -> None:
    if min(*frame_size, regions) < 1:
        raise InputError(f"measured frames have pixels and regions, got {frame_size} and {regions} regions")


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """Seconds of the device's own work on one frame."""

    cores: int
    """How many cores motion, tracking and encoding contend for."""
    motion_s: float
    """Grey frame and background subtraction."""
    tracker_frame_s: float
    """Tracking, whatever the number of objects."""
    tracker_object_s: float
    """Tracking, for each object."""
    decide_s: float
    """Estimating all configurations and choosing one."""


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A small network, or one linear layer, from features to one number (ViTMAlis, equations 1 and 3)."""

    features: tuple[str, ...]
    """Names of the inputs, in order."""
    mean: tuple[float, ...]
    """Of each input in training."""
    scale: tuple[float, ...]
    """Standard deviation of each input in training, never 0."""
    layers: tuple[tuple[tuple[tuple[float, ...], ...], tuple[float, ...]], ...]
    """For each layer its weights `(outputs, inputs)` and biases `(outputs,)`; ReLU between layers."""
    output: Literal["linear", "exponential", "logistic"]
    """What is done to the last number."""
    base: str = ""
    """Name of a feature that the last layer's number is added to: the layers learn the change from it. Empty: none."""


@dataclass(frozen=True, kw_only=True)
class ContentFit:
    """Estimators of one set of inputs."""

    size: Regression
    """Features -> bytes per pixel of the full-size frame."""
    accuracy: Regression
    """Features -> F1 of the frame, 0..1."""


@dataclass(frozen=True, kw_only=True)
class OfflineMeans:
    """Mean size and accuracy of each configuration on the profiling clips (ViTMAlis, section VI-D).

    Columns of equal length, or `InputError`.
    """

    downsampling_type: tuple[int, ...]
    jpeg_quality: tuple[int, ...]
    restoration_point: tuple[int, ...]
    bytes_per_pixel: tuple[float, ...]
    accuracy: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = {
            len(column)
            for column in (
                self.downsampling_type,
                self.jpeg_quality,
                self.restoration_point,
                self.bytes_per_pixel,
                self.accuracy,
            )
        }
        if len(lengths) != 1 or 0 in lengths:
            raise InputError(f"columns of means must be of one length above 0, got {sorted(lengths)}")


@dataclass(frozen=True, kw_only=True)
class ContentProfile:
    """Size and accuracy of a configuration on content like that of the profiling clips."""

    size: Regression
    """Features -> bytes per pixel of the full-size frame."""
    accuracy: Regression
    """Features -> F1 of the frame, 0..1."""
    quality_of_fit: dict[str, float] = field(default_factory=dict)
    """Figures on clips that the fit has not seen, such as `size_mape`."""
    paper: ContentFit | None = None
    """The same by the paper's inputs alone."""
    means: OfflineMeans | None = None
    """The same by the configuration alone."""
    provenance: Provenance | None = None
    """Of the fits, where it is another than that of the profile."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """All that a simulation or an estimator needs about a device, a server and their content."""

    name: str
    provenance: Provenance
    codec: CodecProfile
    server: ServerProfile
    device: DeviceProfile
    content: ContentProfile | None = None
    """None: latencies are known, sizes and accuracies are not."""
    classes: ClassProfile | None = None
    """None: what a quality per importance class costs and is worth is not known."""
