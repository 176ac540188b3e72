"""Layer by layer: score = W z + b at every feature map."""

import pytest
import torch

import linearscope as ls
from linearscope.errors import UnknownNameError
from tests.analysis.networks import NETWORKS, image, plain, skips


@pytest.mark.parametrize("name", NETWORKS)
def test_every_feature_map_gives_the_affine_form_of_at(name):
    it = ls.interpret(NETWORKS[name](), image())
    form = ls.layerwise(it, 1)
    assert len(form.layers) > 4
    for layer, here in form.layers.items():
        if layer == "input":
            expected, residual = it.matvec(it.image)[0, 1], it.residual[0, 1]
        else:
            sub = it.at(layer)
            expected, residual = sub.matvec(sub.point.reshape(1, *sub.input_shape))[0, 1], sub.residual[0, 1]
        assert here.weighted == pytest.approx(expected.item(), abs=1e-12)
        assert here.bias == pytest.approx(residual.item(), abs=1e-12)
        assert here.weighted + here.bias == pytest.approx(form.score, abs=1e-12)
        if here.map is not None:
            assert here.map.sum().item() == pytest.approx(here.weighted, abs=1e-12)


def test_the_last_bias_is_the_last_layers_own():
    model = plain()
    form = ls.layerwise(ls.interpret(model, image()), 3)
    assert form.layers["6"].bias == pytest.approx(model[7].bias[3].item(), rel=1e-12)


def test_the_map_is_gradient_times_feature_map():
    model, x = plain(), image()
    z = model[:2](x).requires_grad_()
    (gradient,) = torch.autograd.grad(model[2:](z)[0, 0], z)
    form = ls.layerwise(ls.interpret(model, x), 0, ["1"])
    assert list(form.layers) == ["1"]
    torch.testing.assert_close(form.layers["1"].map, (gradient * z)[0].sum(0).detach(), rtol=1e-12, atol=1e-14)


def test_rescaling_a_feature_map_leaves_its_contributions():
    # Invariance (Chen et al. 2019): z times k, the next weights over k; Grad-CAM's weights change, these maps do not.
    model, x = plain(), image()
    before = ls.layerwise(ls.interpret(model, x), 0, ["1"]).layers["1"].map
    with torch.no_grad():
        model[0].weight.mul_(7), model[0].bias.mul_(7), model[3].weight.div_(7)
    after = ls.layerwise(ls.interpret(model, x), 0, ["1"]).layers["1"].map
    torch.testing.assert_close(before, after, rtol=1e-12, atol=1e-14)


def test_unknown_layer_names_the_nearest():
    it = ls.interpret(skips(), image())
    with pytest.raises(UnknownNameError, match="stem"):
        ls.layerwise(it, 0, ["stam"])
