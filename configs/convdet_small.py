"""convdet-small: a residual network, 3.8 million parameters: the CNN that baselines are run with (docs/results.md).

    foveate train detector configs/convdet_small.py --name convdet-small-world \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: one hour on two cores; 19 crops of 288 pixels a second of one core's time (Zen 4). Expected: not trained
by this recipe, the shipped weights come from convdet_small_gpu.py. Nothing is downsampled: it saves no work there.
"""

from foveate.models import convdet_small
from foveate.training import Phase, ResolutionConfig, Schedule, TrainConfig

model = convdet_small
config = TrainConfig(
    muon=True,
    schedule=Schedule(
        minutes=60,
        phases=(Phase(share=0.85, size=(288, 288), batch_size=16), Phase(share=0.15, size=(480, 832), batch_size=4)),
        learning_rate=2e-3,
    ),
    resolution=ResolutionConfig(step_share=0.0),
)
