"""vitdet-small: 384 wide, 12 deep, 23.9 million parameters: as large as training on a processor can reasonably be.

    foveate train detector configs/vitdet_small.py --name vitdet-small-world \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: twelve hours on two cores; 2.7 crops of 288 pixels a second of one core's time (Zen 4), 2.7 times fewer than
vitdet-tiny. Expected: not trained by this recipe; what vitdet_small_gpu.py gave: weights/vitdet-small-world.md.
"""

from foveate.models import vitdet_small
from foveate.training import DistillationConfig, Phase, Schedule, TrainConfig

model = vitdet_small
config = TrainConfig(
    schedule=Schedule(
        minutes=720,
        phases=(Phase(share=0.85, size=(288, 288), batch_size=16), Phase(share=0.15, size=(480, 832), batch_size=4)),
        learning_rate=7e-4,
        warmup_steps=500,
    ),
    distillation=DistillationConfig(),
)
