"""The same generalist and experts as `experts_tiny_imagenet.py`, trained for longer on an accelerator.

    foveate train experts configs/experts_tiny_imagenet_gpu.py --data ../shared/data/tiny-imagenet-100 --seed 0

Cost: written for some minutes of one H200 a seed, on a processor days. `scripts/experts_by_deadline.py` fits the
lengths to a time. Expected: docs/results.md, "Ask the Expert".

Batches are four to eight times as large as on a processor, at the learning rates that were found there for as many
steps. The pictures of the training part are seen fifty to a hundred times, so views vary more. Experts from scratch get
their part of what base and progressive experts get: a fifth of the base's steps, and an expert's.
"""

from foveate.training.classification import ClassificationAugment, ExpertsRecipe, ModelShape, steps_schedule

recipe = ExpertsRecipe(
    image_size=64,
    generalist=ModelShape(dim=96, depth=6),
    expert=ModelShape(dim=192, depth=6),
    large=ModelShape(dim=416, depth=6),
    generalist_schedule=steps_schedule(
        [(1_500_000, 32), (1_500_000, 64)], batch_size=512, learning_rate=5e-3, warmup_steps=200
    ),
    base_schedule=steps_schedule(
        [(1_500_000, 32), (1_500_000, 64)], batch_size=512, learning_rate=5e-3, warmup_steps=200
    ),
    expert_schedule=steps_schedule([(50_000, 64)], batch_size=256, learning_rate=1.5e-3, warmup_steps=20),
    scratch_schedule=steps_schedule(
        [(300_000, 32), (350_000, 64)], batch_size=512, learning_rate=5e-3, warmup_steps=100
    ),
    augment=ClassificationAugment(least_area=0.3, stretch=1.33, colour=0.35, mixup_share=0.25, cutmix_share=0.4),
    expert_augment=ClassificationAugment(least_area=0.3, stretch=1.33, colour=0.35, mixup_share=0.0, cutmix_share=0.25),
)
