"""vitdet-nano on an accelerator, from random weights, in two stages: full resolution alone, then mixed resolution.

    foveate train detector configs/vitdet_nano_gpu.py --name nano-plain --mixed 0 --no-distil --rate 3e-3 --follow \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed
    foveate train detector configs/vitdet_nano_gpu.py --name my-nano --init nano-plain --follow \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: two and a half minutes each of an H200 that other trainings and the renderer share, 1,100 crops a second.
Expected: the model card of vitdet-nano-world.
"""

from foveate.models import vitdet_nano
from foveate.training import AugmentConfig, ColourConfig, DistillationConfig, Phase, Schedule, TrainConfig

model = vitdet_nano
config = TrainConfig(
    muon=True,
    resident_pictures=3000,
    schedule=Schedule(
        minutes=2.5,
        learning_rate=2e-3,
        phases=(Phase(share=0.75, size=(288, 288), batch_size=256), Phase(share=0.25, size=(480, 832), batch_size=64)),
    ),
    augment=AugmentConfig(
        stretch=1.3,
        colour=ColourConfig(hue=16, saturation=0.6, contrast=0.4, brightness=36, grey_share=0.12, blur_share=0.15),
    ),
    distillation=DistillationConfig(),
)
