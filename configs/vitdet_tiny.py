"""vitdet-tiny: 192 wide, 12 deep, trained from nothing on crops of one region, then on whole small frames.

    foveate train detector configs/vitdet_tiny.py --name vitdet-tiny-world \\
        --data rendered=$FOVEATE_HOME/world/train-stills

Cost: one hour on two cores: 16 to 20 crops of 288 pixels a second on a busy machine. Expected: the model card of
vitdet-tiny-world, beside the shipped weights, tells what 70 minutes gave.
"""

from foveate.models import vitdet_tiny
from foveate.training import Phase, Schedule, TrainConfig

model = vitdet_tiny
config = TrainConfig(
    schedule=Schedule(
        minutes=60,
        phases=(Phase(share=0.85, size=(288, 288), batch_size=16), Phase(share=0.15, size=(480, 832), batch_size=4)),
    )
)
