"""convdet-small on an accelerator, from random weights: large batches, varied colours and shapes, no low regions.

    foveate train detector configs/convdet_small_gpu.py --name convdet-small-world --follow \\
        --data rendered=${FOVEATE_HOME:-$HOME/.cache/foveate}/world/train-mixed

Cost: three minutes of an H200 that another training and the renderer share, 1,880 crops a second.
Expected: the model card of convdet-small-world, beside the shipped weights.
"""

from foveate.models import convdet_small
from foveate.training import AugmentConfig, ColourConfig, Phase, ResolutionConfig, Schedule, TrainConfig

model = convdet_small
config = TrainConfig(
    muon=True,
    resident_pictures=5000,
    schedule=Schedule(
        minutes=3,
        learning_rate=3e-3,
        phases=(Phase(share=0.7, size=(288, 288), batch_size=256), Phase(share=0.3, size=(576, 1024), batch_size=48)),
    ),
    augment=AugmentConfig(
        stretch=1.3,
        colour=ColourConfig(hue=16, saturation=0.6, contrast=0.4, brightness=36, grey_share=0.12, blur_share=0.15),
    ),
    resolution=ResolutionConfig(step_share=0.0),
)
