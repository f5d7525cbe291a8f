"""vitdet-tiny on an accelerator: large batches, varied colours and shapes, learning from its full resolution.

    foveate train detector configs/vitdet_tiny_gpu.py --name my-detector --init vitdet-tiny-world --follow \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

`--follow` takes in stills while they are being rendered beside it. Cost: seven minutes of an H200 that other trainings
and the renderer share, 700 crops a second. Expected: the model card of vitdet-tiny-world, beside the shipped weights.
"""

from foveate.models import vitdet_tiny
from foveate.training import AugmentConfig, ColourConfig, DistillationConfig, Phase, Schedule, TrainConfig

model = vitdet_tiny
config = TrainConfig(
    muon=True,
    resident_pictures=5000,
    schedule=Schedule(
        minutes=7,
        learning_rate=3e-3,
        phases=(Phase(share=0.7, size=(288, 288), batch_size=256), Phase(share=0.3, size=(576, 1024), batch_size=48)),
    ),
    augment=AugmentConfig(
        stretch=1.3,
        colour=ColourConfig(hue=16, saturation=0.6, contrast=0.4, brightness=36, grey_share=0.12, blur_share=0.15),
    ),
    distillation=DistillationConfig(),
)
