"""vitdet-tiny: 192 wide, 12 deep, 6.4 million parameters: the default model.

    foveate train detector configs/vitdet_tiny.py --name vitdet-tiny-world \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: one hour on two cores; 7 to 8 crops of 288 pixels a second of one core's time (Zen 4). Expected: the model card of
vitdet-tiny-world, beside the shipped weights, tells what 206 minutes and seven of a GPU gave.
"""

from foveate.models import vitdet_tiny
from foveate.training import Phase, Schedule, TrainConfig

model = vitdet_tiny
config = TrainConfig(
    muon=True,
    schedule=Schedule(
        minutes=60,
        learning_rate=2e-3,
        phases=(Phase(share=0.85, size=(288, 288), batch_size=16), Phase(share=0.15, size=(480, 832), batch_size=4)),
    ),
)
