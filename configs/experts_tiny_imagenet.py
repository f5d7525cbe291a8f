"""A generalist of 0.7 and experts of 2.9 million parameters on Tiny-ImageNet-100, from nothing on a processor.

    foveate train experts configs/experts_tiny_imagenet.py --data ../shared/data/tiny-imagenet-100

Cost: about 90 minutes of one core (Zen 4, bfloat16; reckoned from the speeds in docs/log.md) for generalist, base, five
progressive and five static experts.
Expected: docs/results.md, "Ask the Expert". Pictures pass at half their size first, at a quarter of the work.
"""

from foveate.training.classification import ExpertsRecipe, ModelShape, steps_schedule

recipe = ExpertsRecipe(
    image_size=64,
    generalist=ModelShape(dim=96, depth=6),
    expert=ModelShape(dim=192, depth=6),
    large=ModelShape(dim=416, depth=6),
    generalist_schedule=steps_schedule(
        [(180_000, 32), (60_000, 64)], batch_size=64, learning_rate=5e-3, warmup_steps=100
    ),
    base_schedule=steps_schedule([(300_000, 32), (100_000, 64)], batch_size=128, learning_rate=5e-3, warmup_steps=100),
    expert_schedule=steps_schedule([(20_000, 64)], batch_size=64, learning_rate=1e-3, warmup_steps=20),
    scratch_schedule=steps_schedule(
        [(300_000, 32), (120_000, 64)], batch_size=128, learning_rate=5e-3, warmup_steps=100
    ),
)
