"""vitdet-small on an accelerator, widened from vitdet-tiny-world: it begins with the answers of that model.

    foveate train detector configs/vitdet_small_gpu.py --name vitdet-small-world --init vitdet-tiny-world --follow \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: six minutes of an H200 that the renderer shares, 840 crops of 288 pixels a second while another training runs
beside it. Expected: of 4.5 minutes, and 7.7 more with `--init` the first weights and `--phase 0.4:288x288:192 --phase
0.6:576x1024:32`, weights/vitdet-small-world.md; the weights, 48 MB, are not in the repository.
"""

from foveate.models import vitdet_small
from foveate.training import AugmentConfig, ColourConfig, DistillationConfig, Phase, Schedule, TrainConfig

model = vitdet_small
config = TrainConfig(
    muon=True,
    resident_pictures=5000,
    schedule=Schedule(
        minutes=6,
        learning_rate=2e-3,
        warmup_steps=200,
        phases=(Phase(share=0.65, size=(288, 288), batch_size=192), Phase(share=0.35, size=(576, 1024), batch_size=32)),
    ),
    augment=AugmentConfig(
        stretch=1.3,
        colour=ColourConfig(hue=16, saturation=0.6, contrast=0.4, brightness=36, grey_share=0.12, blur_share=0.15),
    ),
    distillation=DistillationConfig(),
)
