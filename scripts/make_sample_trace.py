"""Write the synthetic uplink trace that `make demo` replays. Same seed, same bytes.

    python scripts/make_sample_trace.py > src/foveate/samples/uplink.csv

A bounded random walk in the range of a middling 4G uplink, with two weak stretches; not a measurement.
"""

import sys

import numpy as np

SECONDS = 60
STEP_S = 0.1


def main() -> None:
    """Print `t_s,uplink_mbps,rtt_ms` rows."""
    rng = np.random.default_rng(7)
    count = round(SECONDS / STEP_S)
    log_rate, rows = np.log(25.0), []
    for i in range(count):
        log_rate += 0.06 * (np.log(25.0) - log_rate) + 0.09 * rng.standard_normal()
        at_s = i * STEP_S
        weak = 0.35 if 4.0 <= at_s < 5.5 or 31.0 <= at_s < 34.0 else 1.0
        rate_mbps = float(np.clip(np.exp(log_rate), 8.0, 60.0)) * weak
        rows.append(f"{at_s:.1f},{rate_mbps:.3f},{38 + 6 * abs(rng.standard_normal()):.1f}")
    sys.stdout.write("\n".join(["t_s,uplink_mbps,rtt_ms", *rows]) + "\n")


if __name__ == "__main__":
    main()
