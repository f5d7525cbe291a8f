"""Where ours stands against published figures, on results made by hand."""

from foveate.evaluation.experts.contenders import OURS
from foveate.evaluation.experts.experiment import ExpertsResults
from foveate.evaluation.experts.stand import EDGE, NEAR_EDGE, STATIC, Links, claims, headline, pairs


def figure(name, of, value, spread=0.01):
    return {"figure": name, "of": of, "value": value, "low": value - spread, "high": value + spread}


def row(contender, latency, energy, other=1.0, *, table="main", rival="", group="4g"):
    place = {
        "seed": "seed-0",
        "group": group,
        "variation": "",
        "link": "a",
        "recording": "a",
        "start": 0,
        "rival": rival,
    }
    return place | {
        "table": table,
        "contender": contender,
        "stretches": {"latency_s": [latency, latency], "energy_j": [energy, energy], "other_energy_j": [other, other]},
    }


def made(*, subset=0.05, system=0.01, latency=0.5, energy=0.9, reached=0.4):
    """Ours costs these shares of its rivals at equal accuracy, and 0.3 of them by default."""
    choices = [
        {
            "seed": "seed-0",
            "contender": label,
            "ours_reaches_at": at,
        }
        for label, at in ((OURS, 0.0), (EDGE, reached), (NEAR_EDGE, reached), (STATIC, 0.1))
    ]
    equal = (
        []
        if reached is None
        else [
            row(OURS, latency, energy, table="equal", rival=EDGE),
            row(OURS, latency, energy, table="equal", rival=NEAR_EDGE),
        ]
    )
    return ExpertsResults(
        rows=[row(OURS, 0.3, 0.3), row(EDGE, 1, 1), row(NEAR_EDGE, 1, 1), row(STATIC, 1, 1), *equal],
        specialists=[],
        pooled=[
            figure("over_static", "progressive", subset),
            figure("on_subset", "static", 0.5),
            figure("limited", "progressive", 0.6),
            figure("limited", "static", 0.58),
            figure("accuracy", STATIC, 0.5),
            *(
                figure("ours_above", rival, above)
                for rival, above in ((EDGE, -0.02), (NEAR_EDGE, -0.02), (STATIC, system))
            ),
        ],
        choices=choices,
        curves=[
            {"seed": "seed-0", "contender": label, "threshold": t, "offloaded": t, "accuracy": base + 0.1 * t}
            for label, base in ((OURS, 0.42), (STATIC, 0.4))
            for t in (0.0, 0.5, 1.0)
        ],
        missing=[],
    )


def standings(**changes):
    return [claim.standing for claim in claims(made(**changes))]


def test_each_figure_is_judged_by_its_interval_and_the_published_size():
    assert standings() == ["reached", "no difference shown", "reached", "same direction but smaller"]
    assert standings(subset=0.03)[0] == "same direction but smaller"
    assert standings(subset=-0.03)[0] == "opposite direction"
    assert standings(system=0.03)[1] == "reached"
    assert standings(latency=1.2)[2] == "opposite direction"
    assert standings(energy=0.54)[3] == "reached"


def test_costs_are_judged_at_equal_accuracy_and_never_at_the_default_alone():
    found = claims(made(reached=None))
    assert [claim.standing for claim in found[2:]] == ["not comparable", "not comparable"]
    assert found[2].curve == "Ours is never as accurate"
    assert found[2].default.startswith("At the default threshold: -70 % (-70 to -70) on 4g, with -2.00 points")


def test_along_the_curve_kinds_of_experts_are_compared_at_equal_shares():
    assert "+2.00 to +2.00 points, mean +2.00" in claims(made())[1].curve


def test_the_headline_counts():
    assert headline(claims(made())) == (
        "Of the paper's 4 figures: 2 reached; 1 same direction but smaller; 1 no difference shown"
    )


def test_of_several_links_the_one_that_saves_most_counts():
    results = made()
    for rival in (EDGE, NEAR_EDGE):
        results.rows.append(row(rival, 1, 1, group="lan"))
        results.rows.append(row(OURS, 0.2, 0.2, table="equal", rival=rival, group="lan"))
    results.rows.append(row(OURS, 0.4, 0.4, group="lan"))
    latency = claims(results)[2]
    assert latency.curve.startswith("At equal accuracy: -80 % (-80 to -80) on lan")
    assert latency.default.startswith("At the default threshold: -70 % (-70 to -70) on 4g")
    assert [claim.published for claim in claims(results)[2:]] == ["-45 %", "-46 %"]


def test_a_verdict_on_energy_that_hangs_on_the_power_model_says_so():
    results = made(energy=0.5)
    results.rows.append(row(OURS, 1, 1, 0.3, group="lan"))
    for rival in (EDGE, NEAR_EDGE):
        results.rows.append(row(rival, 1, 1, group="lan"))
        results.rows.append(row(OURS, 1, 1, 1.4, table="equal", rival=rival, group="lan"))
    energy = claims(results)[3]
    assert energy.standing == "reached"
    assert (
        "By the other power model: no difference shown. At the default threshold: -70 % (-70 to -70) on lan"
        in energy.why
    )


def test_a_rival_of_one_training_is_compared_with_that_training_of_ours():
    results = made()
    results.rows.append(row(OURS, 0.6, 0.6) | {"seed": "seed-1"})
    (pair,) = pairs(results, [Links(group="4g", variation="")], [EDGE])
    assert pair.default.latency.value == 0.3
    assert pair.trainings == (1, 1)
