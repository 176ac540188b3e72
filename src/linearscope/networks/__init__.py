"""Networks: the architectures of the bundled weights and of checkpoints people have, and the list of bundled ones."""

from linearscope.networks.bundled import BUNDLED, DEFAULT
from linearscope.networks.cyclegan import CycleGAN
from linearscope.networks.efficientnet_lite import EfficientNetLite0
from linearscope.networks.entry import BundledNetwork
from linearscope.networks.small_vgg import SmallVGG
from linearscope.networks.squeezenet import SqueezeNet1_1

__all__ = ["BUNDLED", "DEFAULT", "BundledNetwork", "CycleGAN", "EfficientNetLite0", "SmallVGG", "SqueezeNet1_1"]
