"""The network: a small U-Net that works at half resolution, to be read in a sitting."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from napari_welllog.unet.layout import CHANNELS, CLASSES, FOLD, LOOKS, STRIDE

__all__ = ["CHANNELS", "CLASSES", "FOLD", "STRIDE", "Look", "UNet", "parameter_count"]


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each normalised and rectified."""
    layers: list[nn.Module] = []
    for count in (inputs, outputs):
        layers += [
            nn.Conv2d(count, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class Look(nn.Module):
    """Let every place know what lies far to its left and right, and above and below.

    Which of two solid pens is the lighter can only be told with both in view, and they may stand half a track
    apart; a curve that runs straight for a while is told from a grid line where it turns. The convolution is
    split into one for each channel and one over the channels (Howard and others 2017, MobileNets,
    arXiv:1704.04861). Looking across alone makes no tile see more rows.

    Parameters
    ----------
    channels : channels in and out.
    along, across : places it takes in down and across the track, odd numbers.
    """

    def __init__(self, channels: int, along: int, across: int) -> None:
        super().__init__()
        size, padding = (along, across), (along // 2, across // 2)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, channels, size, padding=padding, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, channels, rows, columns) with what was seen far away added."""
        return features + cast(Tensor, self.convolutions(features))


class UNet(nn.Module):
    """A U-Net (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597) for thin curves on large scans.

    Three changes. Blocks of 2 x 2 pixels are folded into channels before the first convolution and unfolded after
    the last, so that no convolution runs at full resolution and no pixel is lost. The skip connections are added,
    not concatenated, which halves the work of the way up. Both make it cheap enough for paper tens of thousands
    of rows long. And at the coarsest level it looks far around.

    Parameters
    ----------
    channels : channels of each level, finest first.

    Examples
    --------
    >>> import torch
    >>> UNet()(torch.zeros(1, 1, 64, 96)).shape
    torch.Size([1, 3, 64, 96])
    """

    def __init__(self, channels: tuple[int, ...] = CHANNELS) -> None:
        super().__init__()
        self.channels = channels
        self.fold = nn.PixelUnshuffle(FOLD)
        inputs = (FOLD * FOLD, *channels[:-1])
        self.down = nn.ModuleList(_convolutions(i, o) for i, o in zip(inputs, channels, strict=True))
        self.pool = nn.MaxPool2d(2)
        self.looks = nn.Sequential(*(Look(channels[-1], *size) for size in LOOKS))
        pairs = list(zip(channels[1:], channels[:-1], strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(deep, shallow, 1) for deep, shallow in pairs)
        self.grow = nn.Upsample(scale_factor=2, mode="nearest")
        self.up = nn.ModuleList(_convolutions(shallow, shallow) for _, shallow in pairs)
        self.head = nn.Conv2d(channels[0], CLASSES * FOLD * FOLD, 1)
        self.unfold = nn.PixelShuffle(FOLD)

    def forward(self, ink: Tensor) -> Tensor:
        """Logits (n, 3, rows, columns) of ink (n, 1, rows, columns); rows and columns are multiples of 32."""
        features = self.fold(ink)
        skips: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            features = convolutions(features if level == 0 else self.pool(features))
            skips.append(features)
        features = self.looks(skips.pop())
        for narrow, convolutions in zip(reversed(self.narrow), reversed(self.up), strict=True):
            features = convolutions(skips.pop() + self.grow(narrow(features)))
        return cast(Tensor, self.unfold(self.head(features)))


def parameter_count(network: nn.Module) -> int:
    """Number of trained numbers in a network.

    Examples
    --------
    >>> parameter_count(UNet()) < 1_000_000
    True
    """
    return sum(parameter.numel() for parameter in network.parameters())
