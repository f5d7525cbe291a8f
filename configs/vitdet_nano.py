"""vitdet-nano: 128 wide, 12 deep, 2.9 million parameters: the model for weak servers and devices.

    foveate train detector configs/vitdet_nano.py --name vitdet-nano-world \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: one hour on two cores; 13 crops of 288 pixels a second of one core's time (Zen 4), 1.8 times as many as
vitdet-tiny. Expected: the card of vitdet-nano-world tells what five minutes of a GPU gave.
"""

from foveate.models import vitdet_nano
from foveate.training import DistillationConfig, Phase, Schedule, TrainConfig

model = vitdet_nano
config = TrainConfig(
    muon=True,
    schedule=Schedule(
        minutes=60,
        phases=(Phase(share=0.85, size=(288, 288), batch_size=16), Phase(share=0.15, size=(480, 832), batch_size=4)),
        learning_rate=2e-3,
    ),
    distillation=DistillationConfig(),
)
