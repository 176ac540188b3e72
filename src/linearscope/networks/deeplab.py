"""DeepLabV3 on MobileNetV2, for TensorFlow's Pascal VOC weights with every batch norm folded into its convolution."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["DeepLabV3MobileNetV2"]

# stride, dilation, expansion, channels in, channels out of each block: strides stop at 8, later ones become dilations
BLOCKS: Final = (
    (1, 1, 1, 32, 16),
    (2, 1, 6, 16, 24),
    (1, 1, 6, 24, 24),
    (2, 1, 6, 24, 32),
    *((1, 1, 6, 32, 32),) * 2,
    (1, 1, 6, 32, 64),
    *((1, 2, 6, 64, 64),) * 3,
    (1, 2, 6, 64, 96),
    *((1, 2, 6, 96, 96),) * 2,
    (1, 2, 6, 96, 160),
    *((1, 4, 6, 160, 160),) * 2,
    (1, 4, 6, 160, 320),
)


class DeepLabV3MobileNetV2(nn.Module):
    """MobileNetV2 at an eighth of the resolution, image pooling beside a 1 x 1 convolution, scores for every pixel.

    Examples
    --------
    >>> import torch
    >>> DeepLabV3MobileNetV2().eval()(torch.zeros(1, 3, 65, 97)).shape
    torch.Size([1, 21, 65, 97])

    Parameters
    ----------
    classes
        How many scores every pixel gets: 21 for Pascal VOC, of which 0 is the background.

    Notes
    -----
    Takes ``(N, 3, H, W)`` in ``[-1, 1]``, trained for 513 x 513, and returns ``(N, classes, H, W)``: the scores of an
    eighth of the resolution, enlarged bilinearly with corners on corners. Padding is the same on all sides, as
    TensorFlow's is for sizes of the form 8 k + 1.

    Source: Chen et al., "Rethinking atrous convolution for semantic image segmentation", 2017, section 3; Sandler et
    al., "MobileNetV2: Inverted residuals and linear bottlenecks", 2018, section 6.3.
    """

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, stride=2, padding=1)
        self.relu6 = nn.ReLU6()
        self.blocks = nn.Sequential(*(Bottleneck(*block) for block in BLOCKS))
        self.image_pooling = nn.Conv2d(320, 256, 1)
        self.aspp0 = nn.Conv2d(320, 256, 1)
        self.concat_projection = nn.Conv2d(512, 256, 1)
        self.logits = nn.Conv2d(256, classes, 1)
        self.relu = nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of every pixel."""
        features = self.blocks(self.relu6(self.stem(image)))
        pooled = self.relu(self.image_pooling(features.mean((2, 3), keepdim=True))).expand(-1, -1, *features.shape[2:])
        joined = torch.cat([pooled, self.relu(self.aspp0(features))], 1)
        scores = self.logits(self.relu(self.concat_projection(joined)))
        return F.interpolate(scores, size=image.shape[2:], mode="bilinear", align_corners=True)


class Bottleneck(nn.Module):
    """Expand by a 1 x 1, filter each channel, project back by a 1 x 1; add the input where the shapes agree."""

    def __init__(self, stride: int, dilation: int, expansion: int, inputs: int, outputs: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = nn.Conv2d(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(wide, wide, 3, stride, padding=dilation, dilation=dilation, groups=wide)
        self.project = nn.Conv2d(wide, outputs, 1)
        self.relu6 = nn.ReLU6()
        self.skips = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after this block."""
        wide = features if self.expand is None else self.relu6(self.expand(features))
        narrow: Tensor = self.project(self.relu6(self.depthwise(wide)))
        return features + narrow if self.skips else narrow
