"""ViTDet written out step by step on a checkpoint in detectron2's own names: loops instead of batches.

An independent second implementation: it shares nothing with the package. Sources: Li et al. 2022; Ren et al. 2015;
He et al. 2017; Cai and Vasconcelos 2018; detectron2's modules for what the papers leave open.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
HEADS = 2


@dataclass
class Reference:
    state: dict
    window: int
    stages: int = 1
    proposals: int = 1000
    per_level: int = 1000
    sigmoid: bool = False

    def linear(self, name, x):
        return F.linear(x, self.state[f"{name}.weight"], self.state.get(f"{name}.bias"))

    def convolution(self, name, x):
        weight = self.state[f"{name}.weight"]
        return F.conv2d(x, weight, self.state.get(f"{name}.bias"), padding=weight.shape[-1] // 2)

    def transposed(self, name, x):
        return F.conv_transpose2d(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"], stride=2)

    def norm(self, name, x):
        """Over the last dimension."""
        mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        return (x - mean) / torch.sqrt(variance + 1e-6) * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def channel_norm(self, name, x):
        return self.norm(name, x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def normed(self, name, x):
        return self.channel_norm(f"{name}.norm", self.convolution(name, x))

    # backbone

    def backbone(self, image):
        """`(1, 3, h, w)`, whole patches -> `(1, C, h / 16, w / 16)`."""
        net = "backbone.net"
        weight, bias = self.state[f"{net}.patch_embed.proj.weight"], self.state[f"{net}.patch_embed.proj.bias"]
        x = F.conv2d(image, weight, bias, stride=16)
        table = self.state[f"{net}.pos_embed"][:, 1:].reshape(1, 14, 14, -1).permute(0, 3, 1, 2)
        x = x + F.interpolate(table, size=x.shape[2:], mode="bicubic", align_corners=False)
        x = x[0].permute(1, 2, 0)
        depth = sum(key.endswith("norm1.weight") for key in self.state)
        for i in range(depth):
            block = f"{net}.blocks.{i}"
            normed = self.norm(f"{block}.norm1", x)
            x = x + (self.attention(f"{block}.attn", normed) if i % 2 else self.windowed(f"{block}.attn", normed))
            hidden = F.gelu(self.linear(f"{block}.mlp.fc1", self.norm(f"{block}.norm2", x)))
            x = x + self.linear(f"{block}.mlp.fc2", hidden)
        return x.permute(2, 0, 1)[None]

    def windowed(self, name, x):
        rows, columns, _ = x.shape
        padded = F.pad(x, (0, 0, 0, -columns % self.window, 0, -rows % self.window))
        out = torch.zeros_like(padded)
        for i in range(0, padded.shape[0], self.window):
            for j in range(0, padded.shape[1], self.window):
                place = slice(i, i + self.window), slice(j, j + self.window)
                out[place] = self.attention(name, padded[place])
        return out[:rows, :columns]

    def attention(self, name, x):
        """Among all tokens of `(h, w, C)`."""
        rows, columns, dim = x.shape
        head = dim // HEADS
        query, key, value = self.linear(f"{name}.qkv", x).reshape(rows * columns, 3, HEADS, head).unbind(1)
        tables = [self.fitted(f"{name}.rel_pos_h", rows), self.fitted(f"{name}.rel_pos_w", columns)]
        out = torch.zeros(rows * columns, HEADS, head)
        for h in range(HEADS):
            scores = query[:, h] @ key[:, h].T * head**-0.5
            vertical = torch.einsum("ijc,ikc->ijk", query[:, h].reshape(rows, columns, head), tables[0])
            horizontal = torch.einsum("ijc,jkc->ijk", query[:, h].reshape(rows, columns, head), tables[1])
            both = vertical[:, :, :, None] + horizontal[:, :, None, :]
            out[:, h] = torch.softmax(scores + both.reshape(rows * columns, -1), dim=-1) @ value[:, h]
        return self.linear(f"{name}.proj", out.reshape(rows, columns, dim))

    def fitted(self, name, length):
        """`(length, length, head)`: the code of each pair of places."""
        table = self.state[name]
        if len(table) != 2 * length - 1:
            table = F.interpolate(table.T[None], size=2 * length - 1, mode="linear")[0].T
        return torch.stack([torch.stack([table[i - j + length - 1] for j in range(length)]) for i in range(length)])

    def pyramid(self, x):
        p2 = self.channel_norm("backbone.simfp_2.1", self.transposed("backbone.simfp_2.0", x))
        p2 = self.transposed("backbone.simfp_2.3", F.gelu(p2))
        scaled = (p2, self.transposed("backbone.simfp_3.0", x), x, F.max_pool2d(x, 2, ceil_mode=True))
        levels = []
        for number, first, part in zip((2, 3, 4, 5), (4, 1, 0, 1), scaled, strict=True):
            made = self.normed(f"backbone.simfp_{number}.{first}", part)
            levels.append(self.normed(f"backbone.simfp_{number}.{first + 1}", made))
        return [*levels, F.max_pool2d(levels[-1], 1, stride=2)]

    # proposals

    def propose(self, levels, height, width):
        boxes, scores, numbers = [], [], []
        for number, level in enumerate(levels):
            hidden, head = level, "proposal_generator.rpn_head"
            for k in range(2):
                hidden = F.relu(self.convolution(f"{head}.conv.conv{k}", hidden))
            logits = self.convolution(f"{head}.objectness_logits", hidden)[0]
            deltas = self.convolution(f"{head}.anchor_deltas", hidden)[0]
            found = []
            for y in range(level.shape[2]):
                for x in range(level.shape[3]):
                    for a, ratio in enumerate((0.5, 1.0, 2.0)):
                        w = math.sqrt((32 * 2**number) ** 2 / ratio)
                        stride = 4 * 2**number
                        anchor = (x * stride - w / 2, y * stride - ratio * w / 2)
                        anchor = (*anchor, x * stride + w / 2, y * stride + ratio * w / 2)
                        delta = deltas[4 * a : 4 * a + 4, y, x]
                        found.append((float(logits[a, y, x]), moved(anchor, delta, (1, 1, 1, 1))))
            found = sorted(found, key=lambda pair: -pair[0])[: self.per_level]
            scores += [score for score, _ in found]
            boxes += [clipped(box, height, width) for _, box in found]
            numbers += [number] * len(found)
        whole = [i for i, box in enumerate(boxes) if box[2] > box[0] and box[3] > box[1]]
        boxes, scores, numbers = ([values[i] for i in whole] for values in (boxes, scores, numbers))
        return [boxes[i] for i in naive_nms(boxes, scores, numbers, 0.7)[: self.proposals]]

    # objects

    def stage(self, levels, boxes, stage):
        """Probabilities and the boxes of each class, or one box."""
        part = f".{stage}" if self.stages > 1 else ""
        x = torch.stack([self.pooled(levels, box, 7) for box in boxes])
        for k in range(1, 5):
            x = F.relu(self.normed(f"roi_heads.box_head{part}.conv{k}", x))
        x = F.relu(self.linear(f"roi_heads.box_head{part}.fc1", x.flatten(1)))
        logits = self.linear(f"roi_heads.box_predictor{part}.cls_score", x)
        probabilities = torch.sigmoid(logits) if self.sigmoid else torch.softmax(logits, dim=1)
        return probabilities, self.linear(f"roi_heads.box_predictor{part}.bbox_pred", x)

    def pooled(self, levels, box, size):
        side = math.sqrt(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))
        level = min(max(math.floor(4 + math.log2(side / 224 + 1e-15)), 2), 5)
        return naive_roi_align(levels[level - 2][0], box, 1 / 2**level, size)

    def detect(self, pixels, threshold):
        """uint8 `(H, W, 3)` -> boxes, scores, class ids and masks as lists, best first."""
        height, width = pixels.shape[:2]
        levels = self.pyramid(self.backbone(prepared(pixels)))
        boxes = self.propose(levels, height, width)
        total, agnostic, rows = 0, self.stages > 1, []
        for stage, weights in zip(range(self.stages), ((10, 5), (20, 10), (30, 15)), strict=False):
            if stage:
                boxes = [row[0] for row in rows]
            probabilities, deltas = self.stage(levels, boxes, stage)
            total = total + probabilities
            four = (weights[0], weights[0], weights[1], weights[1])
            rows = [
                [clipped(moved(box, delta[k : k + 4], four), height, width) for k in range(0, len(delta), 4)]
                for box, delta in zip(boxes, deltas, strict=True)
            ]
        total = total / self.stages
        found, scores, class_id = [], [], []
        for i in range(len(boxes)):
            for k in range(total.shape[1] - 1):
                if total[i, k] >= threshold:
                    found.append(rows[i][0 if agnostic else k])
                    scores.append(float(total[i, k]))
                    class_id.append(k)
        kept = naive_nms(found, scores, class_id, 0.5)[:100]
        kept = [i for i in kept if found[i][2] > found[i][0] and found[i][3] > found[i][1]]
        masks = [self.mask(levels, found[i], class_id[i]) for i in kept] if self.has_masks else []
        return [found[i] for i in kept], [scores[i] for i in kept], [class_id[i] for i in kept], masks

    @property
    def has_masks(self):
        return "roi_heads.mask_head.predictor.weight" in self.state

    def mask(self, levels, box, class_id):
        x = self.pooled(levels, box, 14)[None]
        for k in range(1, 5):
            x = F.relu(self.normed(f"roi_heads.mask_head.mask_fcn{k}", x))
        x = F.relu(self.transposed("roi_heads.mask_head.deconv", x))
        return torch.sigmoid(self.convolution("roi_heads.mask_head.predictor", x)[0, class_id]).numpy()


def prepared(pixels):
    """Normalised, then padded with the mean colour to whole patches: `(1, 3, h, w)`."""
    normal = torch.tensor((pixels - MEAN) / STD, dtype=torch.float32).permute(2, 0, 1)[None]
    return F.pad(normal, (0, -pixels.shape[1] % 16, 0, -pixels.shape[0] % 16))


def moved(box, delta, weights):
    dx, dy, dw, dh = (float(d) / w for d, w in zip(delta, weights, strict=True))
    dw, dh = min(dw, math.log(1000 / 16)), min(dh, math.log(1000 / 16))
    width, height = box[2] - box[0], box[3] - box[1]
    x, y = (box[0] + box[2]) / 2 + dx * width, (box[1] + box[3]) / 2 + dy * height
    width, height = width * math.exp(dw), height * math.exp(dh)
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def clipped(box, height, width):
    limits = (width, height, width, height)
    return tuple(min(max(value, 0), limit) for value, limit in zip(box, limits, strict=True))


def naive_iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inside = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside
    return inside / union if union > 0 else 0


def naive_nms(boxes, scores, class_id, threshold):
    kept = []
    for i in sorted(range(len(scores)), key=lambda k: (-scores[k], k)):
        if all(class_id[i] != class_id[k] or naive_iou(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
    return kept


def naive_roi_align(features, box, scale, size):
    """`(C, h, w)` and one box -> `(C, size, size)`: every bin the mean of its samples, every sample from four cells."""
    x1, y1, x2, y2 = (float(value) * scale - 0.5 for value in box)
    high, wide = (y2 - y1) / size, (x2 - x1) / size
    rows, columns = max(0, math.ceil(high)), max(0, math.ceil(wide))
    out = torch.zeros(len(features), size, size)
    for i in range(size):
        for j in range(size):
            total = torch.zeros(len(features))
            for a in range(rows):
                for b in range(columns):
                    y = y1 + i * high + (a + 0.5) * high / rows
                    x = x1 + j * wide + (b + 0.5) * wide / columns
                    total += sample(features, y, x)
            out[:, i, j] = total / max(rows * columns, 1)
    return out


def sample(features, y, x):
    """Bilinear; 0 beyond one cell outside the map."""
    _, height, width = features.shape
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(len(features))
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, u = y - top, x - left
    return (
        features[:, top, left] * (1 - v) * (1 - u)
        + features[:, top, right] * (1 - v) * u
        + features[:, bottom, left] * v * (1 - u)
        + features[:, bottom, right] * v * u
    )
