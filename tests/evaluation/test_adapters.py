"""Adapters: our methods in captum's metrics and in Quantus, captum's methods in ours."""

import numpy as np
import pytest
import torch
from captum import attr
from captum.metrics import infidelity, sensitivity_max
from torch import nn

import linearscope as ls
from linearscope.errors import InputError, UnknownNameError
from linearscope.evaluation import captum_attribution, class_sensitivity, from_captum, quantus_explain

# Captum says that it sets requires_grad and hooks, which is its own business.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:captum")


def net():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(6 * 25, 4),
    ).double().eval()  # fmt: skip


def images(count=4):
    return torch.rand(count, 3, 12, 12, dtype=torch.float64)


def test_infidelity_of_our_gradient_is_that_of_captums():
    model, x = net(), images()
    targets = torch.tensor([0, 1, 2, 3])

    def perturb(inputs):
        torch.manual_seed(5)
        noise = 0.05 * torch.randn_like(inputs)
        return noise, inputs - noise

    theirs = attr.Saliency(model).attribute(x, target=targets, abs=False)
    ours = captum_attribution(model, "gradient")(x, targets)
    found = infidelity(model, perturb, x, ours, target=targets)
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert torch.allclose(found, infidelity(model, perturb, x, theirs, target=targets), atol=1e-14)
    assert found.max() < infidelity(model, perturb, x, torch.zeros_like(x), target=targets).min()


def test_sensitivity_of_our_methods_is_that_of_captums():
    model, x = net(), images()
    made = {}
    for name, ask in {
        "ours": captum_attribution(model, "gradient-x-input"),
        "theirs": attr.InputXGradient(model).attribute,
    }.items():
        torch.manual_seed(2)
        made[name] = sensitivity_max(ask, x, perturb_radius=0.02, n_perturb_samples=3, target=1)
    assert torch.allclose(made["ours"], made["theirs"], atol=1e-12)
    assert (made["ours"] > 0).all()


def test_maps_of_pixels_are_shared_among_the_channels():
    model, x = net(), images()
    found = captum_attribution(model, "grad-cam", layer="1")(x, 2)
    own = ls.explain(model, x, 2, method="grad-cam", layer="1").values
    assert own.shape[1] == 1
    assert found.shape == x.shape
    assert torch.allclose(found.sum(1, keepdim=True), own, atol=1e-12)


@pytest.mark.parametrize("made", [attr.Saliency, attr.InputXGradient, attr.IntegratedGradients, attr.GuidedBackprop])
@pytest.mark.parametrize("kind", ["positive", "magnitude", "signed"])
def test_captums_methods_give_maps_that_our_metrics_take(made, kind):
    model, x = net(), images()
    ask = from_captum(made(model), kind=kind)
    targets = torch.tensor([0, 1, 2, 3])
    values = made(model).attribute(x.clone(), target=targets).detach()
    expected = {
        "positive": values.sum(1).clamp_min(0), "magnitude": values.abs().amax(1), "signed": values.sum(1)
    }[kind]  # fmt: skip
    assert torch.allclose(ask(x, targets), expected, atol=1e-12)
    assert class_sensitivity(ask, x, targets, (targets + 1) % 4).values.shape == (4,)
    assert not x.requires_grad


def test_captums_maps_of_a_layer_are_enlarged():
    model, x = net(), images()
    layer = attr.LayerGradCam(model, model[3])
    found = from_captum(layer, kind="positive", relu_attributions=True)(x, torch.tensor(1))
    small = layer.attribute(x, target=1, relu_attributions=True).detach()
    assert torch.allclose(found, attr.LayerAttribution.interpolate(small, (12, 12), "bilinear")[:, 0], atol=1e-12)
    assert found.shape == (4, 12, 12)


def test_an_adapter_follows_the_model_it_was_given():
    model, x = net(), images()
    ask = captum_attribution(model)
    first = ask(x, 0)
    with torch.no_grad():
        model[5].weight.mul_(2)
    assert torch.allclose(ask(x, 0), 2 * first, atol=1e-12)
    model[5] = nn.Linear(6 * 25, 4).double()
    assert torch.allclose(ask(x, 0), ls.explain(model, x, 0).values, atol=1e-12)
    assert ask(torch.rand(2, 3, 12, 12).double(), 0).shape == (2, 3, 12, 12)


def test_quantus_gets_arrays_of_one_channel_and_the_model_it_passes():
    model, other, x = net().float(), net().float(), images().numpy()
    ask = quantus_explain("gradient-x-input", kind="signed")
    targets = np.array([0, 1, 2, 3])
    for each in (model, other, model):
        found = ask(each, x, targets, device="cpu")
        expected = ls.explain(each, torch.from_numpy(x).float(), targets.tolist(), method="gradient-x-input")
        assert found.dtype == np.float32
        assert np.allclose(found[:, 0], expected.heatmap("signed").numpy(), atol=1e-6)
    assert quantus_explain("lrp-epsilon")(model, x, targets, epsilon=0.1).shape == (4, 1, 12, 12)


def test_quantus_measures_our_methods():
    quantus = pytest.importorskip("quantus", reason="Quantus is not installed: it brings OpenCV and pandas")
    model, x = net().float(), images().float().numpy()
    targets = np.array([0, 1, 2, 3])
    masks = np.zeros((4, 1, 12, 12), dtype=bool)
    masks[:, :, 3:9, 2:8] = True
    ask = quantus_explain("gradient")
    pointing = quantus.PointingGame(disable_warnings=True)(
        model=model, x_batch=x, y_batch=targets, s_batch=masks, explain_func=ask, device="cpu"
    )
    ours = ls.evaluation.pointing_game(torch.from_numpy(ask(model, x, targets)[:, 0]), torch.from_numpy(masks[:, 0]))
    assert [float(one) for one in pointing] == ours.values.tolist()
    randomised = quantus.MPRT(disable_warnings=True)(
        model=model, x_batch=x, y_batch=targets, explain_func=ask, device="cpu"
    )
    assert randomised


def test_bad_input_is_named():
    model, x = net(), images()
    with pytest.raises(UnknownNameError, match="no method 'gradiant'"):
        captum_attribution(model, "gradiant")
    with pytest.raises(UnknownNameError, match="no method 'gradiant'"):
        quantus_explain("gradiant")
    with pytest.raises(UnknownNameError, match="kind of heat map"):
        quantus_explain(kind="largest")
    with pytest.raises(UnknownNameError, match="kind of heat map"):
        from_captum(attr.Saliency(model), kind="largest")
    with pytest.raises(InputError, match=r"attribute\(\)"):
        from_captum(model)
    with pytest.raises(InputError, match="no maps"):
        from_captum(attr.LayerGradientXActivation(model, model[5]))(x, torch.tensor(0))
    with pytest.raises(InputError, match="one tensor"):
        captum_attribution(model)((x, x), 0)
    with pytest.raises(InputError, match="no option"):
        quantus_explain("gradient")(model, x.numpy(), np.zeros(4, dtype=int), sharpness=2)
