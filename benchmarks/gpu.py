"""The backbone on a GPU: right, how fast, and where its time goes; against the machine's ceilings and Hugging Face.

    python benchmarks/gpu.py [--seconds 90] [--out DIR] [--only a,f,b,c,d,e]

Writes gpu.json after every section, prints a short table last. Without a GPU: `--torch-device cpu --small` goes through
the same lines on tiny shapes (with TRITON_INTERPRET=1 through the kernels too). Exit code 1 where a check fails.
Expected: docs/results.md.
"""

# ruff: noqa: SLF001 - it times private parts by intent

import argparse
import itertools
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate import models
from foveate.core import RegionGrid, split_regions
from foveate.models import Backbone, BackboneConfig, backbone_flops, cuda_blocks, cuda_plan
from foveate.models import backbone as backbone_module
from foveate.models.cuda_blocks import FusedBlock, Stage, run_blocks
from foveate.models.cuda_graphs import Graphs
from foveate.models.cuda_keys import CELLS, PLAIN, FrameLaunch
from foveate.models.cuda_pass import FusedPass, plan_of, subset_ends
from foveate.models.cuda_tables import TOKENS, room_for
from foveate.models.flops import backbone_operations
from foveate.models.layout import FrameLayout, frame_layout
from foveate.models.pixels import select_tiles

SEED = torch.Generator().manual_seed(0)


@dataclass
class Session:
    """What all sections share."""

    torch_device: torch.device
    small: bool
    ends_at: float
    out: Path
    found: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    kernels_work: bool = True
    reserve_s: float = 0.0
    """What the sections still to come need."""

    @property
    def left_s(self) -> float:
        return self.ends_at - time.monotonic()

    @property
    def cuda(self) -> bool:
        return self.torch_device.type == "cuda"

    @property
    def fused(self) -> bool:
        """Whether the kernels run: on CUDA, or interpreted."""
        possible = self.cuda or bool(os.environ.get("TRITON_INTERPRET"))
        return self.kernels_work and possible and cuda_blocks.kernels() is not None

    def say(self, line: str) -> None:
        self.lines.append(line)
        print(f"{line}   [{self.left_s:.0f} s left]", flush=True)

    def check(self, name: str, error: float, allowed: float) -> None:
        verdict = "ok" if error <= allowed else "FAIL"  # NaN fails
        self.say(f"  {verdict} {name}: relative error {error:.2e} (allowed {allowed:.0e})")
        self.found.setdefault("checks", {})[name] = {"error": error, "allowed": allowed, "ok": verdict == "ok"}
        if verdict == "FAIL":
            self.failures.append(name)

    def write(self) -> None:
        kept = {**self.found, "lines": self.lines, "failures": self.failures}
        (self.out / "gpu.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")

    def random(self, *shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
        return torch.randn(*shape, generator=SEED).to(self.torch_device, dtype)

    def random_here(self, *shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
        """Made on the device: for large tensors."""
        return torch.randn(*shape, device=self.torch_device, dtype=dtype)

    @torch.inference_mode()
    def milliseconds(
        self, call: Callable[[], object], *, rounds: int = 20, warm: int = 3, most_s: float = 1.5
    ) -> float:
        """Median of `rounds` calls, launch gaps included; fewer where they would take longer than `most_s`."""
        for _ in range(warm if self.cuda else 1):
            call()
        self.wait()
        began_at = time.perf_counter()
        call()
        self.wait()
        each = time.perf_counter() - began_at
        if not self.cuda:
            return 1e3 * each
        rounds = max(3, min(rounds, int(most_s / each)))
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
        marks[0].record()
        for mark in marks[1:]:
            call()
            mark.record()
        self.wait()
        return statistics.median(a.elapsed_time(b) for a, b in itertools.pairwise(marks))

    @torch.inference_mode()
    def replayed(self, call: Callable[[], object]) -> float:
        """The same, replayed from a CUDA graph: without the host's part."""
        if not self.cuda:
            return self.milliseconds(call)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                call()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                kept = call()
        except RuntimeError as error:
            self.say(f"  no graph: {str(error)[:200]}")
            return float("nan")
        spent = self.milliseconds(graph.replay)
        del kept
        return spent

    def wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()


def main() -> int:
    """Run the sections that there is time for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--torch-device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default="a,f,b,c,d,e", help="sections, in this order")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "out/gpu")))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    session = Session(
        torch.device(options.torch_device), options.small, time.monotonic() + options.seconds, options.out
    )
    sections = {"a": ceilings, "b": correctness, "c": large, "d": huggingface, "e": tiny, "f": variants}
    needs_s = {"a": 3, "b": 4, "c": 8, "d": 8, "e": 6, "f": 4}
    if session.cuda:
        try_kernels(session)
    letters = options.only.split(",")
    for number, letter in enumerate(letters):
        session.reserve_s = sum(needs_s[later] for later in letters[number + 1 :])
        if session.left_s < needs_s[letter]:
            session.say(f"({letter}) left out: no time")
            continue
        began_at = time.monotonic()
        try:
            sections[letter](session)
        except Exception as error:  # one failure must not lose the rest
            session.say(f"({letter}) broke: {type(error).__name__}: {str(error)[:300]}")
            session.failures.append(f"section {letter}")
            traceback.print_exc()
        session.found.setdefault("section_s", {})[letter] = time.monotonic() - began_at
        session.write()
    print("\n" + "\n".join(session.lines) + f"\nfailures: {session.failures or 'none'}", flush=True)
    return 1 if session.failures else 0


def try_kernels(session: Session) -> None:
    """If the kernels do not run here, the rest is measured without them."""
    try:
        config = BackboneConfig(dim=128, depth=4, heads=2, relative_size=(19, 32))
        model = Backbone(config).to(session.torch_device, torch.bfloat16).eval()
        with torch.inference_mode():
            model(session.random(1, 3, 304, 512))
        session.wait()
    except Exception as error:
        session.say(f"kernels do not run here: {type(error).__name__}: {str(error)[:300]}")
        traceback.print_exc()
        session.failures.append("kernels")
        session.kernels_work = False
        backbone_module.runs_fused = lambda *_: False


def ceilings(session: Session) -> None:
    """What the machine can do at most."""
    side, tokens, dim = (256, 96, 64) if session.small else (8192, 8160, 1024)
    name = torch.cuda.get_device_name() if session.cuda else "CPU"
    session.found["machine"] = {"name": name, "torch": torch.__version__, "cuda": torch.version.cuda}
    session.say(f"(a) {name}, torch {torch.__version__}")
    a, b = session.random_here(side, side), session.random_here(side, side)
    rate = 2 * side**3 / session.milliseconds(partial(torch.mm, a, b)) / 1e9
    big = session.random_here(1 << (20 if session.small else 30))
    copied = torch.empty_like(big)
    bandwidth = 4 * big.numel() / session.milliseconds(partial(copied.copy_, big)) / 1e9
    del big, copied
    heads = dim // 64
    q, k, v = (session.random_here(1, heads, tokens, 64) for _ in range(3))
    flash_ms = session.milliseconds(partial(F.scaled_dot_product_attention, q, k, v))
    flash = 4 * tokens**2 * dim / flash_ms / 1e9
    x = session.random_here(tokens, dim)
    wide, narrow, bias = (
        session.random_here(4 * dim, dim),
        session.random_here(dim, 4 * dim),
        session.random_here(4 * dim),
    )
    hidden = session.random_here(tokens, 4 * dim)
    fc1 = session.milliseconds(partial(torch._addmm_activation, bias, x, wide.t(), use_gelu=True))
    fc1_plain = session.milliseconds(partial(torch.addmm, bias, x, wide.t()))
    fc2 = session.milliseconds(lambda: x.addmm_(hidden, narrow.t(), beta=0.5, alpha=1e-3))
    work = 2 * tokens * dim * 4 * dim / 1e9
    session.found["ceilings"] = {
        "matmul_tflops": rate, "copy_tbps": bandwidth, "flash_tflops": flash, "flash_ms": flash_ms,
        "fc1_gelu_tflops": work / fc1, "fc1_tflops": work / fc1_plain, "fc2_add_tflops": work / fc2,
    }  # fmt: skip
    session.say(
        f"  bf16 product {rate:.0f} TFLOP/s, copy {bandwidth:.2f} TB/s, SDPA at {tokens} x 64 {flash:.0f} TFLOP/s "
        f"({flash_ms:.2f} ms); fc1+GELU {work / fc1:.0f}, fc1 {work / fc1_plain:.0f}, fc2+residual {work / fc2:.0f}"
    )


def correctness(session: Session) -> None:
    """Ragged batches of every restoration point against the plain path in float32 on the CPU."""
    torch.backends.cudnn.allow_tf32 = False
    size, dim = (301, 507), 128
    for relative in (True, False):
        changes: dict[str, Any] = (
            {"relative_size": (14, 14)} if relative else {"stem": "convolutional", "positions": "tiled"}
        )
        model = spread(Backbone(BackboneConfig(dim=dim, depth=8, heads=2, **changes)), 0.06)
        points, images = [0, 1, 2, 3, 4, 5], torch.randn(6, 3, *size, generator=SEED)
        masks = torch.stack([torch.from_numpy(mask_of(model.config.grid(*size), 0.5, seed)) for seed in range(6)])
        with torch.inference_mode():
            expected = model(images, masks, points)
            name = "with relative positions" if relative else "without"
            exact = relative_error(
                model.to(session.torch_device)(images.to(session.torch_device), masks, points), expected
            )
            session.check(f"float32 plain, {name}", exact, 1e-4)
            half = model.to(torch.bfloat16)
            inside = images.to(session.torch_device, torch.bfloat16)
            session.check(f"bf16 fused, {name}", relative_error(half(inside, masks, points), expected), 2e-2)
            for _ in range(3):
                again = half(inside, masks, points)
            session.check(f"bf16 replayed ({half.graphs.replays}), {name}", relative_error(again, expected), 2e-2)
            with plain_path():
                session.check(f"bf16 plain, {name}", relative_error(half(inside, masks, points), expected), 3e-2)
    session.found["fused"] = session.fused
    session.say(f"  kernels used: {session.fused}")


class plain_path:  # noqa: N801 - reads as a statement
    """The path without kernels, for comparison."""

    def __enter__(self) -> None:
        self.before = backbone_module.runs_fused
        backbone_module.runs_fused = lambda *_: False

    def __exit__(self, *_: object) -> None:
        backbone_module.runs_fused = self.before


def relative_error(got: Tensor, expected: Tensor) -> float:
    got, expected = got.float().cpu(), expected.float().cpu()
    return float(torch.linalg.vector_norm(got - expected) / torch.linalg.vector_norm(expected))


def spread(model: Backbone, std: float) -> Backbone:
    """Random values everywhere, so that nothing is hidden by zeros."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=std)
    return model.eval()


def mask_of(grid: RegionGrid, share: float, seed: int) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(grid))
    return (order < round(share * len(grid))).reshape(grid.shape)


def large_config(session: Session) -> tuple[BackboneConfig, tuple[int, int]]:
    if session.small:
        size = (304, 512)
        return BackboneConfig(dim=128, depth=4, heads=2, relative_size=(19, 32)), size
    return BackboneConfig(dim=1024, depth=24, heads=16, relative_size=(68, 120)), (1088, 1920)


def large_model(session: Session) -> Backbone:
    """ViTDet-L with random weights, made on the device once."""
    if "model" not in session.__dict__:
        config, _ = large_config(session)
        with torch.device(session.torch_device):
            model = Backbone(config)
        for name, parameter in model.named_parameters():
            if "relative" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        session.__dict__["model"] = model.to(torch.bfloat16).eval()
    model = session.__dict__["model"]
    assert isinstance(model, Backbone)
    return model


def large(session: Session) -> None:
    """ViTDet-L at 1088 x 1920."""
    model = large_model(session)
    config, size = large_config(session)
    grid = config.grid(*size)
    full_flops = backbone_flops(config, grid)
    rate = session.found.get("ceilings", {}).get("matmul_tflops", 790.0)
    images = session.random_here(8, 3, *size)
    rows: dict[str, Any] = {}
    session.found["large"] = rows

    def measure(name: str, count: int, share: float, point: int, *, replay: bool) -> None:
        masks = torch.stack([torch.from_numpy(mask_of(grid, share, seed)) for seed in range(count)])
        flops = sum(backbone_flops(config, grid, mask, point) for mask in masks.numpy())
        call = partial(model, images[:count], masks, [point] * count)
        spent = session.milliseconds(call, rounds=20)
        row = {"ms": spent, "flop_ratio": flops / full_flops / count, "tflops": flops / spent / 1e9}
        with without_graphs(model.graphs):
            row["without_graphs_ms"] = session.milliseconds(call, rounds=10)
        if replay and session.fused:
            row["blocks_replayed_ms"] = session.replayed(blocks_call(model, images[:count], masks.numpy(), point))
        rows[name] = row
        base = rows["full x1" if count == 1 else "full x8"]["ms"]
        row["speedup_over_flop_ratio"] = base / spent * row["flop_ratio"]
        replayed = f" (without graphs {row['without_graphs_ms']:.2f}"
        replayed += f", blocks alone {row['blocks_replayed_ms']:.2f})" if "blocks_replayed_ms" in row else ")"
        session.say(
            f"  {name}: {spent:.2f} ms{replayed}, {row['tflops']:.0f} TFLOP/s = {row['tflops'] / rate:.0%} of "
            f"the product, FLOP ratio {row['flop_ratio']:.3f}, speed-up at {row['speedup_over_flop_ratio']:.0%} of it"
        )
        session.write()

    session.say(f"(c) ViTDet-L {size[0]} x {size[1]} bf16, {full_flops / 1e12:.2f} TFLOP a frame")
    measure("full x1", 1, 0.0, 0, replay=True)
    measure("75% low, beta 4 x1", 1, 0.75, 4, replay=True)
    new_masks(session, model, images[:1], grid)
    measure("50% low, beta 4 x1", 1, 0.5, 4, replay=True)
    stages(session, model, images[:1])
    measure("full x8", 8, 0.0, 0, replay=False)
    measure("75% low, beta 4 x8", 8, 0.75, 4, replay=False)
    real_size_check(session, model, images[:1], grid)
    if session.cuda:
        rows["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
    measure("50% low, beta 4 x8", 8, 0.5, 4, replay=False)
    for share, point in itertools.product((0.75, 0.5), (3, 2, 1, 0)):
        if session.left_s < session.reserve_s:
            break
        measure(f"{share:.0%} low, beta {point} x1", 1, share, point, replay=False)


def blocks_call(model: Backbone, images: Tensor, masks: np.ndarray, point: int) -> Callable[[], object]:
    """The blocks alone, from tokens that are there."""
    grid = model.config.grid(*images.shape[2:])
    layouts = [frame_layout(grid, mask) for mask in masks]
    plan = plan_of(model, layouts, [point] * len(layouts), images.device)
    with torch.inference_mode():
        fused, tables = FusedPass.of(model, plan.shape), plan.shape.packing.unpack(plan.packed)
        tokens = fused.embed(*select_tiles(images, grid, layouts), tables)
    return lambda: run_blocks(fused.blocks, tokens.clone(), plan.shape, tables)


class without_graphs:  # noqa: N801 - reads as a statement
    """Launch by launch, for comparison."""

    def __init__(self, *graphs: Graphs) -> None:
        self.graphs = graphs

    def __enter__(self) -> None:
        for one in self.graphs:
            one.used = False

    def __exit__(self, *_: object) -> None:
        for one in self.graphs:
            one.used = True


def stages(session: Session, model: Backbone, images: Tensor) -> None:
    """Where the time of a full frame goes, operation by operation."""
    config, grid = model.config, model.config.grid(*images.shape[2:])
    found: dict[str, float] = {}

    def note(name: str, call: Callable[[], object]) -> None:
        found[name] = session.milliseconds(call, rounds=10, most_s=0.3)
        if "host" not in name:
            found[f"{name} (graph)"] = session.replayed(call)

    with torch.inference_mode():
        for name, layout in (("", frame_layout(grid)), (" 75%", frame_layout(grid, mask_of(grid, 0.75, 0)))):
            full, low = select_tiles(images, grid, [layout])
            note(f"tiles{name}", lambda layout=layout: select_tiles(images, grid, [layout]))
            if session.fused:
                stages_of(session, model, (full, low), layout, lambda part, call, name=name: note(part + name, call))
    session.found["stages_ms"] = found
    session.say("  stages, ms: " + ", ".join(f"{name} {spent:.3f}" for name, spent in found.items()))
    work = backbone_operations(config, grid)
    if "frame attention with codes" in found:
        rate = work.global_attention / config.subsets / found["frame attention with codes"] / 1e9
        session.say(f"  frame attention {rate:.0f} TFLOP/s, codes and gathers included")
    session.write()


def stages_of(
    session: Session,
    model: Backbone,
    tiles: tuple[Tensor, Tensor],
    layout: FrameLayout,
    note: Callable[[str, Callable[[], object]], None],
) -> None:
    """Operations of a pass over one frame, restored before its last block."""
    dim, plan = model.config.dim, plan_of(model, [layout], [4], session.torch_device)
    fused, tables = FusedPass.of(model, plan.shape), plan.shape.packing.unpack(plan.packed)
    stage = Stage(plan.shape, plan.shape.stages[0], plan.shape.stage(tables, 0))
    inside, whole = fused.blocks[0], fused.blocks[model.config.depth // model.config.subsets - 1]
    note("embed", lambda: fused.embed(*tiles, tables))
    x = fused.embed(*tiles, tables)
    qkv, hidden = session.random_here(len(x), 3 * dim), session.random_here(len(x), 4 * dim)
    attention, fc1, fc2 = whole.block.attention, whole.block.fc1, whole.block.fc2
    note("window block", lambda: inside.run(x.clone(), stage))
    note("global block", lambda: whole.run(x.clone(), stage))
    note("clone", x.clone)
    note("norm", lambda: cuda_blocks._normalise(x, inside.shifts[0], whole.block.norm1))
    note("qkv", lambda: torch.addmm(attention.qkv.bias, x, attention.qkv.weight.t()))
    note("window attention", lambda: inside._windows(qkv, stage))
    note("frame codes", lambda: whole.frame_codes(qkv, stage))
    note("frame pairs", lambda: qkv[:, dim:].index_select(0, stage.tables["key"]))
    note("frame attention with codes", lambda: whole._frames(qkv, stage))
    note("proj", lambda: x.addmm_(qkv[:, :dim], attention.proj.weight.t(), alpha=1e-3, beta=0.5))
    note("fc1", lambda: torch._addmm_activation(fc1.bias, x, fc1.weight.t(), use_gelu=True))
    note("fc2", lambda: x.addmm_(hidden, fc2.weight.t(), alpha=1e-3, beta=0.5))
    if len(plan.shape.stages) > 1:
        last = Stage(plan.shape, plan.shape.stages[1], plan.shape.stage(tables, 1))
        note("restore", lambda: last.restored(x))
    note("full plan on the host", lambda: _host_plan(model, layout, session.torch_device))


def _host_plan(model: Backbone, layout: FrameLayout, torch_device: torch.device) -> None:
    cuda_plan.pass_plan.cache_clear()
    plan_of(model, [layout], [4], torch_device)


def new_masks(session: Session, model: Backbone, images: Tensor, grid: RegionGrid) -> None:
    """A mask that was never seen: the host makes its tables."""
    rows: dict[str, list[float]] = {"replayed": [], "with a new graph": [], "seldom seen": [], "without graphs": []}
    graphs = model.graphs
    with torch.inference_mode():
        for seed in range(100, 104 if session.small else 148):
            mask = torch.from_numpy(mask_of(grid, 0.75, seed))[None]
            made, replays, graphs.used = len(graphs), graphs.replays, seed % 4 != 0
            session.wait()
            began_at = time.perf_counter()
            model(images, mask, [4])
            session.wait()
            spent = 1e3 * (time.perf_counter() - began_at)
            kind = "replayed" if graphs.replays > replays else "seldom seen" if graphs.used else "without graphs"
            rows["with a new graph" if len(graphs) > made else kind].append(spent)
    graphs.used = True
    session.found["large"]["new mask, 75% low, beta 4 x1, wall"] = rows
    medians = ", ".join(f"{kind} {statistics.median(row):.2f} ({len(row)})" for kind, row in rows.items() if row)
    session.say(f"  a new mask each time, 75% low, beta 4, wall, ms: {medians}; {len(graphs)} graphs in all")


def real_size_check(session: Session, model: Backbone, images: Tensor, grid: RegionGrid) -> None:
    """The real size in bf16, fused, against the plain path in float32 on the same device."""
    masks = torch.from_numpy(mask_of(grid, 0.5, 7))[None]
    torch.backends.cudnn.allow_tf32 = False
    with torch.inference_mode():
        got = [model(images, None, [0]), model(images, masks, [3])]
        exact = Backbone(model.config).to(session.torch_device).eval()
        exact.load_state_dict(model.state_dict())
        with plain_path():
            for name, one, args in (("full", got[0], (None, [0])), ("50% low, beta 3", got[1], (masks, [3]))):
                session.check(f"ViTDet-L {name}, bf16 fused", relative_error(one, exact(images.float(), *args)), 2e-2)


def huggingface(session: Session) -> None:
    """`VitDetBackbone` of the same shape."""
    from transformers import VitDetBackbone, VitDetConfig  # noqa: PLC0415 - may be missing

    config, size = large_config(session)
    per_subset = config.depth // config.subsets
    shape = VitDetConfig(
        hidden_size=config.dim,
        num_hidden_layers=config.depth,
        num_attention_heads=config.heads,
        image_size=list(size),
        window_size=9,
        window_block_indices=[i for i in range(config.depth) if i % per_subset != per_subset - 1],
        use_relative_position_embeddings=True,
    )
    with torch.device(session.torch_device):
        theirs = VitDetBackbone(shape)
    theirs = theirs.to(torch.bfloat16).eval()
    images, ours = session.random_here(1, 3, *size), large_model(session)
    spent = session.milliseconds(partial(theirs, images), rounds=10, warm=2, most_s=2.0)
    own = session.milliseconds(partial(ours, images))
    implementation = getattr(shape, "_attn_implementation", None)
    session.found["huggingface"] = {"ms": spent, "ours_ms": own, "ratio": spent / own, "attention": implementation}
    session.say(
        f"(d) VitDetBackbone-L {spent:.1f} ms ({implementation}), ours {own:.2f} ms: {spent / own:.1f} times faster"
    )


def tiny(session: Session) -> None:
    """vitdet-tiny: whole detections from frames in host memory, and its parts."""
    detector = models.vitdet_tiny().to(session.torch_device, torch.bfloat16).eval()
    rows: dict[str, Any] = {}
    session.found["tiny"] = rows
    session.say("(e) vitdet-tiny bf16")
    sizes = [(288, 288)] if session.small else [(1080, 1920), (2160, 3840)]
    for size, count in itertools.product(sizes, (1, 8)):
        if count > 1 and size != sizes[0]:
            continue
        frames = list(np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8))
        grid = detector.region_grid(*size)
        for share in (0.0, 0.75):
            masks = [mask_of(grid, share, seed) for seed in range(count)]
            if session.cuda:
                torch.cuda.reset_peak_memory_stats()
            wall = wall_ms(session, partial(detector.detect_batch, frames, masks, [4] * count, score_threshold=0.3))
            cut = [split_regions(frame, grid, mask) for frame, mask in zip(frames, masks, strict=True)]
            cut_call = partial(detector.detect_batch, cut, None, [4] * count, score_threshold=0.3)
            cut_wall = wall_ms(session, cut_call)
            images = session.random_here(count, 3, *size)
            chosen = torch.stack([torch.from_numpy(mask) for mask in masks])
            features = partial(detector.backbone, images, chosen, [4] * count)
            row = {
                "detect_wall_ms": wall,
                "detect_cut_frames_wall_ms": cut_wall,
                "backbone_ms": session.milliseconds(features),
            }
            with without_graphs(detector.graphs, detector.backbone.graphs):
                row["cut_without_graphs_wall_ms"] = wall_ms(session, cut_call)
                row["backbone_without_graphs_ms"] = session.milliseconds(features)
            with torch.inference_mode():
                maps = features()
            levels = partial(detector.pyramid, maps)
            row["pyramid_head_ms"] = session.milliseconds(lambda levels=levels: detector.head.best(levels(), 1000))
            if session.cuda:
                row["pyramid_head_replayed_ms"] = session.replayed(
                    lambda levels=levels: detector.head.best(levels(), 1000)
                )
            if session.fused:
                call = blocks_call(detector.backbone, images, chosen.numpy(), 4)
                row["blocks_replayed_ms"] = session.replayed(call)
            if session.cuda:
                row["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
            name = f"{size[0]}p x{count}, {share:.0%} low"
            rows[name] = row
            session.say(f"  {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))
            session.write()


def wall_ms(session: Session, call: Callable[[], object], rounds: int = 6) -> float:
    spent = []
    for _ in range(rounds + 3 if session.cuda else 1):
        session.wait()
        began_at = time.perf_counter()
        call()
        session.wait()
        spent.append(1e3 * (time.perf_counter() - began_at))
    return statistics.median(spent[3:] or spent)


def variants(session: Session) -> None:
    """Ways of attention side by side at the real shapes."""
    from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: PLC0415 - beside its use

    config, size = large_config(session)
    grid, model = config.grid(*size), large_model(session)
    tokens = frame_layout(grid).real_tokens
    found: dict[str, Any] = {}
    session.found["variants_ms"] = found
    session.say("(f) attention of a global block, then of a window block, ms")

    def note(name: str, call: Callable[[], object]) -> None:
        try:
            found[name] = session.milliseconds(call, rounds=8, warm=2, most_s=0.3)
            session.say(f"  {name}: {found[name]:.3f}")
        except Exception as error:  # a way that does not exist here is a finding
            found[name] = f"{type(error).__name__}: {str(error)[:120]}"
            session.say(f"  {name}: {found[name]}")

    def sdpa(backend: SDPBackend, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(query, key, value)

    if session.fused:
        own_kernels(session, model, grid, note)
    if session.left_s < session.reserve_s:
        return
    wide = sum(grid.patches) + 64
    for width in (64, -(-wide // 8) * 8):
        q, k, v = (session.random_here(1, config.heads, tokens, width) for _ in range(3))
        for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
            note(f"frame, {backend.name} width {width}", partial(sdpa, backend, q, k, v))
    windows = frame_layout(grid).windows
    for width in (64, 88):
        q, k, v = (session.random_here(windows, config.heads, 81, width) for _ in range(3))
        for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
            note(f"window, {backend.name} width {width}", partial(sdpa, backend, q, k, v))


def own_kernels(
    session: Session, model: Backbone, grid: RegionGrid, note: Callable[[str, Callable[[], object]], None]
) -> None:
    """Our kernels for a full and a mixed frame, with relative positions and without any."""
    dim = model.config.dim
    cases = {"full": frame_layout(grid), "75% low": frame_layout(grid, mask_of(grid, 0.75, 0))}
    for (case, layout), launch in itertools.product(cases.items(), (CELLS, PLAIN)):
        block, stage = global_block(model, layout, launch)
        qkv = session.random_here(room_for(layout.real_tokens, TOKENS), 3 * dim)
        name = f"{case} frame, own{'' if launch.relative else ', without positions'}"
        note(name, partial(block._frames, qkv, stage))


def global_block(model: Backbone, layout: FrameLayout, launch: FrameLaunch) -> tuple[FusedBlock, Stage]:
    """The first global block and its tables, launched in this way."""
    ends = subset_ends(model.config)
    device = model.blocks[0].fc1.weight.device
    plan = cuda_plan.pass_plan((layout,), (model.config.subsets + 1,), ends, launch, device)
    with torch.inference_mode():
        fused = FusedPass.of(model, plan.shape)
    tables = plan.shape.stage(plan.shape.packing.unpack(plan.packed), 0)
    return fused.blocks[ends[0] - 1], Stage(plan.shape, plan.shape.stages[0], tables)


if __name__ == "__main__":
    sys.exit(main())
