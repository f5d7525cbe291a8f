"""What the heads are made of."""

from torch import nn

from foveate.models.pyramid import ChannelNorm

NORM_EPS = 1e-6
"""Of all normalisations of a published ViTDet."""


def normed_convolutions(channels: int, count: int) -> nn.Sequential:
    """`count` times: 3 x 3 convolution without bias, LayerNorm over channels, ReLU. Size and channels stay."""
    layers: list[nn.Module] = []
    for _ in range(count):
        convolution = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        layers += [convolution, ChannelNorm(channels, eps=NORM_EPS), nn.ReLU()]
    return nn.Sequential(*layers)
