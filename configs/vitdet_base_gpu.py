"""vitdet-base on an accelerator, widened from vitdet-small-world: it begins with the answers of that model.

    foveate train detector configs/vitdet_base_gpu.py --name vitdet-base-world --init vitdet-small-world \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: six minutes of an H200, 1,000 crops of 288 pixels and 120 of 576 x 1024 a second. Expected: of 2.5 minutes,
weights/vitdet-base-world.md; the weights, 187 MB, were not kept.
"""

from foveate.models import vitdet_base
from foveate.training import AugmentConfig, ColourConfig, DistillationConfig, Phase, Schedule, TrainConfig

model = vitdet_base
config = TrainConfig(
    muon=True,
    resident_pictures=5000,
    schedule=Schedule(
        minutes=6,
        learning_rate=1.5e-3,
        warmup_steps=50,
        phases=(Phase(share=0.5, size=(288, 288), batch_size=128), Phase(share=0.5, size=(576, 1024), batch_size=20)),
    ),
    augment=AugmentConfig(
        stretch=1.3,
        colour=ColourConfig(hue=16, saturation=0.6, contrast=0.4, brightness=36, grey_share=0.12, blur_share=0.15),
    ),
    distillation=DistillationConfig(),
)
