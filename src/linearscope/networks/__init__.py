"""Networks: the architectures of the bundled weights and of checkpoints people have, and the list of bundled ones."""

from linearscope.networks.bicubic import Bicubic
from linearscope.networks.bundled import BUNDLED, DEFAULT
from linearscope.networks.carn import CARN
from linearscope.networks.cyclegan import CycleGAN
from linearscope.networks.deeplab import DeepLabV3MobileNetV2
from linearscope.networks.dncnn import DnCNN
from linearscope.networks.edsr import EDSR
from linearscope.networks.efficientnet_lite import EfficientNetLite0
from linearscope.networks.entry import BundledNetwork
from linearscope.networks.espcn import ESPCN, TanhESPCN
from linearscope.networks.flower_net import FlowerNet
from linearscope.networks.fsrcnn import FSRCNN, SubPixelFSRCNN
from linearscope.networks.small_classifiers import CifarResNet2b, CifarResNet20, LeNet5
from linearscope.networks.small_vgg import SmallVGG
from linearscope.networks.squeezenet import SqueezeNet1_1
from linearscope.networks.srresnet import SRResNet, SRResNetWithoutNorm
from linearscope.networks.transformer_net import TransformerNet
from linearscope.networks.unet import UNet
from linearscope.networks.vdsr import VDSR

__all__ = [
    "BUNDLED",
    "CARN",
    "DEFAULT",
    "EDSR",
    "ESPCN",
    "FSRCNN",
    "VDSR",
    "Bicubic",
    "BundledNetwork",
    "CifarResNet2b",
    "CifarResNet20",
    "CycleGAN",
    "DeepLabV3MobileNetV2",
    "DnCNN",
    "EfficientNetLite0",
    "FlowerNet",
    "LeNet5",
    "SRResNet",
    "SRResNetWithoutNorm",
    "SmallVGG",
    "SqueezeNet1_1",
    "SubPixelFSRCNN",
    "TanhESPCN",
    "TransformerNet",
    "UNet",
]
