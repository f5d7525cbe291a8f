"""Numbers that policies compare, on cases worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.core import (
    Candidates,
    ContentFit,
    EstimateOptions,
    FrameContent,
    InferenceModel,
    InputError,
    LinkState,
    MediaError,
    OfflineMeans,
    OffloadPlan,
    OffloadRecord,
    RegionGrid,
    Regression,
)
from foveate.estimators import (
    AVERAGES,
    LinkEstimator,
    PerformanceEstimator,
    Regressor,
    computing_s,
    decode_seconds,
    encode_seconds,
    inference_seconds,
    load_profile,
    read_profile,
    task_relevance,
    write_profile,
)
from foveate.testing.profiles import round_profile

GRID = RegionGrid(height=1080, width=1920)


def record(megabits_per_s, *, rtt_s=0.04, failed=False):
    size = 100_000
    uplink_s = 8 * size / (megabits_per_s * 1e6) + rtt_s / 2
    return OffloadRecord(
        offload_id=0,
        frame_index=0,
        started_at=0.0,
        finished_at=1.0,
        plan=OffloadPlan(),
        payload_bytes=size,
        encode_s=0.01,
        uplink_s=uplink_s,
        decode_s=0.01,
        inference_s=0.1,
        downlink_s=0.02,
        rtt_s=rtt_s,
        failed=failed,
    )


def test_relevance_is_the_share_of_objects_that_touch_a_region():
    grid = RegionGrid(height=576, width=576)
    boxes = np.array([[10, 10, 20, 20], [200, 10, 300, 20], [280, 280, 300, 300]], np.float32)
    assert np.allclose(task_relevance(boxes, grid), np.array([[3, 2], [1, 1]]) / 3)
    assert not task_relevance(np.zeros((0, 4), np.float32), grid).any()


def test_before_an_offload_nothing_is_known_of_the_link():
    link = LinkEstimator()
    assert link.state() is None
    link.observe(record(5, failed=True))
    assert link.state() is None


@pytest.mark.parametrize(
    ("average", "expected"),
    [("mean", 15.0), ("harmonic", 5 / (1 / 40 + 1 / 40 + 1 / 40 + 1 / 10 + 1 / 20)), ("ewma", None)],
)
def test_averages_of_throughput(average, expected):
    link, seen = LinkEstimator(average), [40, 40, 40, 10, 20]
    for rate in seen:
        link.observe(record(rate))
    if expected is None:
        expected = 40.0
        for rate in seen[1:]:
            expected += (rate - expected) / 3
    assert link.state().throughput_bps == pytest.approx(expected * 1e6)
    assert link.state().rtt_s == pytest.approx(0.04)


@pytest.mark.parametrize("average", AVERAGES)
def test_every_average_of_equal_values_is_that_value(average):
    assert AVERAGES[average]([7.0] * 9) == pytest.approx(7.0)
    assert AVERAGES[average]([7.0]) == pytest.approx(7.0)


def test_an_unknown_average_is_named():
    with pytest.raises(InputError, match="'median'; known: mean, harmonic, ewma"):
        LinkEstimator("median")


def test_a_regression_is_standardised_layers_with_relu_and_an_output():
    regression = Regression(
        features=("a", "b"),
        mean=(1.0, 0.0),
        scale=(2.0, 1.0),
        layers=((((1.0, 1.0), (-1.0, 0.0)), (0.0, 0.5)), (((2.0, 4.0),), (-1.0,))),
        output="linear",
    )
    columns = {"b": np.array([3.0, 0.0]), "a": np.array([5.0, -3.0])}
    # a standardised: 2 and -2; hidden: relu(2 + 3), relu(-2 + 0.5); relu(-2), relu(2 + 0.5)
    assert np.allclose(Regressor(regression)(columns), [2 * 5 - 1, 4 * 2.5 - 1])
    assert np.allclose(Regressor(replace(regression, output="exponential"))(columns), np.exp([9, 9]))
    assert np.allclose(Regressor(replace(regression, output="logistic"))(columns), 1 / (1 + np.exp([-9, -9])))


RAGGED = ((((1.0, 1.0), (1.0,)), (0.0, 0.0)),)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": (1.0,)},
        {"features": ("a", "b", "c")},
        {"layers": ()},
        {"layers": RAGGED},
        {"layers": (), "features": ("a",), "mean": (0.0,), "scale": (1.0,)},
        {"scale": (1.0, 0.0)},
        {"scale": (1.0, float("nan"))},
    ],
)
def test_layers_that_do_not_fit_are_refused(change):
    good = Regression(
        features=("a", "b"), mean=(0.0, 0.0), scale=(1.0, 1.0), layers=((((1.0, 1.0),), (0.0,)),), output="linear"
    )
    with pytest.raises(InputError):
        Regressor(replace(good, **change))


def test_encoding_times_are_linear_between_measured_points():
    codec = round_profile().codec
    got = encode_seconds(codec, GRID, np.array([0.0, 14.0, 28.0, 0.0]), np.array([70, 85, 100, 85]))
    assert np.allclose(got, [0.020, (0.020 + 0.006 + 0.040 + 0.012) / 4, 0.012, 0.030])


def test_inference_times_follow_the_model_of_their_point():
    server = round_profile().server
    got = inference_seconds(server, GRID, np.array([0.0, 20.0, 20.0]), np.array([0, 4, 0]))
    assert np.allclose(got, [0.2, 0.1, 0.2])


def test_frames_of_another_size_take_their_share():
    profile = round_profile()
    half, none = RegionGrid(height=540, width=960), np.array([0.0])
    assert encode_seconds(profile.codec, half, none, np.array([70]))[0] == pytest.approx(0.020 / 4)
    assert decode_seconds(profile.codec, half, 0) == pytest.approx(0.012 / 4)
    assert inference_seconds(profile.server, half, none, np.array([0]))[0] == pytest.approx(0.05)
    all_low = np.array([float(len(half))])
    ratio = inference_seconds(profile.server, half, all_low, np.array([4]))[0] / 0.05
    assert ratio == pytest.approx(inference_seconds(profile.server, GRID, np.array([28.0]), np.array([4]))[0] / 0.2)


def test_restoration_after_the_last_block_takes_what_the_profile_says_and_none_is_guessed():
    server, one = round_profile().server, (np.array([20.0]), np.array([5]))
    with pytest.raises(InputError, match=r"knows restoration points 0\.\.4, got 5"):
        inference_seconds(server, GRID, *one)
    late = replace(server, late=InferenceModel(coefficients=(0.2, -0.007), residual=0.01))
    assert inference_seconds(late, GRID, *one)[0] == pytest.approx(0.2 - 0.14)
    assert inference_seconds(late, GRID, np.array([20.0]), np.array([4]))[0] == pytest.approx(0.1)


def candidates(**columns):
    one = {
        "downsampling_type": 2,
        "downsampled_regions": 14,
        "downsampled_motion": 0.3,
        "jpeg_quality": 100,
        "restoration_point": 4,
        "frame_scale": 1.0,
    } | columns
    masks = {kind: np.zeros(GRID.shape, np.bool_) for kind in range(3)}
    return Candidates(masks=masks, **{name: np.atleast_1d(value) for name, value in one.items()})


CONTENT = FrameContent(
    region_motion=np.full(GRID.shape, 1 / 28, np.float32),
    frame_motion=0.2,
    task_relevance=np.zeros(GRID.shape, np.float32),
)


def test_latency_is_the_sum_of_equation_2():
    link = LinkState(throughput_bps=20e6, rtt_s=0.03)
    got = PerformanceEstimator(round_profile()).bind(grid=GRID, content=CONTENT, link=link)(candidates())
    size = (0.05 + 0.1 - 0.025) * 1080 * 1920
    assert got.size_bytes[0] == pytest.approx(size, rel=1e-5)
    wanted = (0.040 + 0.012) / 2 + 8 * size / 20e6 + 0.008 + (0.2 - 0.005 * 14) + 0.03
    assert got.latency_s[0] == pytest.approx(wanted, rel=1e-5)
    assert got.accuracy[0] == pytest.approx(0.75 + 0.2 - 0.1 - 0.04, rel=1e-5)


def test_a_smaller_frame_takes_the_time_of_a_whole_one_of_its_size():
    """Whole frames of the round profile take 0.2 s, those of half the size a quarter of that."""
    profile, half = round_profile(), RegionGrid(height=540, width=960)
    own = candidates(frame_scale=0.5, downsampled_regions=28, jpeg_quality=70)
    whole = candidates(downsampled_regions=0, restoration_point=0, jpeg_quality=70)
    assert computing_s(profile, own, grid=GRID) == pytest.approx(computing_s(profile, whole, grid=half))
    assert computing_s(profile, own, grid=GRID) == pytest.approx((0.020 + 0.008) / 4 + 0.05)


def test_a_link_that_is_gone_still_orders_configurations_by_size():
    link = LinkState(throughput_bps=0.0, rtt_s=0.03)
    two = candidates(
        downsampling_type=[0, 0],
        downsampled_regions=[0, 0],
        downsampled_motion=[0.0, 0.0],
        jpeg_quality=[70, 100],
        restoration_point=[0, 0],
    )
    got = PerformanceEstimator(round_profile()).bind(grid=GRID, content=CONTENT, link=link)(two)
    assert np.isfinite(got.latency_s).all()
    assert got.latency_s[0] < got.latency_s[1]


def round_trips(link, seen):
    for rtt_s in seen:
        link.observe(record(10, rtt_s=rtt_s))
    return link.state().rtt_s


def test_round_trips_are_averaged_as_throughputs_are():
    assert round_trips(LinkEstimator("mean"), [0.09, 0.02, 0.04]) == pytest.approx(0.03)
    assert round_trips(LinkEstimator("harmonic"), [0.02, 0.04]) == pytest.approx(2 / (1 / 0.02 + 1 / 0.04))
    assert round_trips(LinkEstimator("ewma"), [0.03, 0.06]) == pytest.approx(0.04)


LINK = LinkState(throughput_bps=20e6, rtt_s=0.03)


def with_line():
    profile = round_profile()
    line = InferenceModel(coefficients=(0.1,), residual=0.5)
    return replace(profile, server=replace(profile.server, lines={4: line}))


def test_the_line_is_taken_where_it_is_asked_for_and_there_is_another():
    server, two = with_line().server, (np.array([20.0, 20.0]), np.array([4, 3]))
    assert np.allclose(inference_seconds(server, GRID, *two), [0.1, 0.125])
    assert np.allclose(inference_seconds(server, GRID, *two, line=True), [0.1, 0.125])
    further = (np.array([10.0]), np.array([4]))
    assert np.allclose(inference_seconds(server, GRID, *further), 0.15)
    assert np.allclose(inference_seconds(server, GRID, *further, line=True), 0.1)


def test_a_policy_may_ask_for_lines():
    best = PerformanceEstimator(with_line())
    latency = best.estimate(candidates(downsampled_regions=10), grid=GRID, content=CONTENT, link=LINK).latency_s
    line = best.with_options(EstimateOptions(latency="line"))
    lower = line.estimate(candidates(downsampled_regions=10), grid=GRID, content=CONTENT, link=LINK).latency_s
    assert latency - lower == pytest.approx(0.05)
    assert best.with_options(EstimateOptions()) is best


def test_lines_of_points_without_a_model_are_refused():
    line = InferenceModel(coefficients=(0.1,), residual=0.5)
    with pytest.raises(InputError, match=r"without a model: \[7\]"):
        replace(round_profile().server, lines={7: line})


def with_ways():
    """The round profile with other estimators for the paper's inputs, and means of two configurations."""
    profile = round_profile()
    content = profile.content
    halved = ContentFit(size=replace(content.size, output="exponential"), accuracy=content.accuracy)
    means = OfflineMeans(
        downsampling_type=(2, 0),
        jpeg_quality=(100, 70),
        restoration_point=(4, 0),
        bytes_per_pixel=(0.1, 0.3),
        accuracy=(0.8, 0.9),
    )
    return replace(profile, content=replace(content, paper=halved, means=means))


@pytest.mark.parametrize(("way", "bytes_per_pixel"), [("device", 0.125), ("paper", np.exp(0.125)), ("mean", 0.1)])
def test_sizes_come_from_what_the_policy_asks_for(way, bytes_per_pixel):
    estimator = PerformanceEstimator(with_ways(), EstimateOptions(content=way))
    got = estimator.estimate(candidates(), grid=GRID, content=CONTENT, link=LINK)
    assert got.size_bytes[0] == pytest.approx(bytes_per_pixel * 1080 * 1920, rel=1e-5)


def test_a_configuration_without_a_mean_gets_the_mean_of_all():
    estimator = PerformanceEstimator(with_ways(), EstimateOptions(content="mean"))
    got = estimator.estimate(candidates(jpeg_quality=85), grid=GRID, content=CONTENT, link=LINK)
    assert got.accuracy[0] == pytest.approx(0.85)


@pytest.mark.parametrize("way", ["paper", "mean"])
def test_a_way_that_the_profile_lacks_is_refused(way):
    with pytest.raises(InputError, match=f"no estimators of content by '{way}'"):
        PerformanceEstimator(round_profile(), EstimateOptions(content=way))


def test_a_profile_does_not_know_the_truth():
    with pytest.raises(InputError, match="known in simulations alone"):
        PerformanceEstimator(round_profile(), EstimateOptions(content="truth"))


def test_a_feature_that_is_not_measured_is_named():
    wants_more = replace(round_profile().content.size, base="last_size")
    with pytest.raises(InputError, match="reads last_size"):
        Regressor(wants_more)({name: np.zeros(1) for name in wants_more.features})


def test_a_base_is_added_before_the_output():
    regression = Regression(
        features=("a",), mean=(0.0,), scale=(1.0,), layers=((((2.0,),), (1.0,)),), output="exponential", base="b"
    )
    assert Regressor(regression)({"a": np.array([3.0]), "b": np.array([0.5])})[0] == pytest.approx(np.exp(7.5))


def test_means_of_unequal_length_are_refused():
    with pytest.raises(InputError, match="one length above 0"):
        replace(with_ways().content.means, accuracy=(0.5,))


def test_a_profile_without_content_is_refused():
    with pytest.raises(InputError, match="says nothing about content"):
        PerformanceEstimator(replace(round_profile(), content=None))


def test_profiles_survive_their_file(tmp_path):
    write_profile(round_profile(), tmp_path / "deep" / "round.json")
    assert read_profile(tmp_path / "deep" / "round.json") == round_profile()
    write_profile(with_ways(), tmp_path / "ways.json")
    assert read_profile(tmp_path / "ways.json") == with_ways()
    assert load_profile(str(tmp_path / "deep" / "round.json")) == round_profile()


def test_profiles_of_the_user_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    write_profile(round_profile(), tmp_path / "profiles" / "mine.json")
    assert load_profile("mine") == round_profile()
    with pytest.raises(InputError, match="no profile 'other'"):
        load_profile("other")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version": 2}', '{"version": 1}', '{"version": 1, "profile": {"name": 3}}']
)
def test_files_that_are_no_profile_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(MediaError) as raised:
        read_profile(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_profile_of_another_version_says_which(tmp_path):
    (tmp_path / "new.json").write_text('{"version": 7, "profile": {}}')
    with pytest.raises(MediaError, match="is a profile of version 7, this foveate reads 1"):
        read_profile(tmp_path / "new.json")


def test_a_damaged_letter_in_a_profile_is_one_line(tmp_path):
    write_profile(round_profile(), tmp_path / "p.json")
    data = (tmp_path / "p.json").read_bytes()
    (tmp_path / "p.json").write_bytes(data.replace(b'"name": "', b'"name": "\xff'))
    with pytest.raises(MediaError, match="is not a profile"):
        read_profile(tmp_path / "p.json")


def test_a_profile_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="cannot write the profile"):
        write_profile(round_profile(), tmp_path / "file" / "p.json")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("codec", {"frame_size": (0, 1920)}),
        ("codec", {"regions": 0}),
        ("server", {"frame_size": (1080, -1)}),
        ("server", {"half_s": 0.0}),
        ("server", {"full_s": float("nan")}),
    ],
)
def test_measurements_of_nothing_are_refused(part, change):
    with pytest.raises(InputError, match=r"pixels and regions|more than 0 s"):
        replace(getattr(round_profile(), part), **change)
