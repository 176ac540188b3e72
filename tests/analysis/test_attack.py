"""The attack moves every pixel by epsilon along the sign of the loss's gradient, and stays in range."""

import pytest
import torch
from torch.nn import functional as F

import linearscope as ls
from linearscope.errors import InputError
from tests.analysis.networks import NETWORKS, image, plain


@pytest.mark.parametrize("name", NETWORKS)
def test_the_step_is_the_sign_of_autograds_gradient(name):
    model, x = NETWORKS[name](), image()
    attack = ls.fgsm(ls.capture(model, x), x, label=1, epsilon=0.01, lower=-10.0, upper=10.0)
    variable = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(variable), torch.tensor([1])), variable)
    torch.testing.assert_close(attack.adversarial, x + 0.2 * gradient.sign())
    assert attack.label == 1
    assert attack.after == int(model(attack.adversarial).argmax())
    assert attack.success == (attack.after != 1)


def test_epsilon_is_in_units_of_the_pixel_range_and_the_result_stays_in_it():
    x = image()
    lower, upper = torch.tensor([0.0, -1.0, -2.0]).view(1, 3, 1, 1), torch.tensor([1.0, 1.0, 2.0]).view(1, 3, 1, 1)
    attack = ls.fgsm(ls.capture(plain(), x), x, epsilon=0.25, lower=lower.double(), upper=upper.double())
    change = (attack.adversarial - x).abs().amax((0, 2, 3))
    assert (change <= torch.tensor([0.25, 0.5, 1.0]) + 1e-12).all()
    assert change[2].item() == pytest.approx(1.0)
    assert (attack.adversarial >= lower).all()
    assert (attack.adversarial <= upper).all()


def test_a_strong_enough_attack_lowers_the_score_of_the_label():
    model, x = plain(), image()
    attack = ls.fgsm(ls.capture(model, x), x, epsilon=0.02)
    loss = [F.cross_entropy(model(z), torch.tensor([attack.label])).item() for z in (x, attack.adversarial)]
    assert loss[1] > loss[0]


def test_advbox_clips_to_one_in_model_units_and_stops_when_the_label_changes():
    model = plain()
    x = image() * 4 - 2
    attack = ls.fgsm(ls.capture(model, x), x, advbox=True)
    assert attack.adversarial.abs().max() <= 1
    assert attack.success == (int(model(attack.adversarial).argmax()) != attack.label)
    assert 1 <= attack.steps <= 1000
    assert 0.01 <= attack.epsilon <= 0.5


@pytest.mark.parametrize("options", [{"epsilon": 0.0}, {"epsilon": 2.0}, {"label": 99}, {"epsilon": float("nan")}])
def test_bad_options_are_refused(options):
    x = image()
    with pytest.raises(InputError):
        ls.fgsm(ls.capture(plain(), x), x, **options)


def test_an_output_that_is_no_row_of_scores_is_refused():
    x = image()
    with pytest.raises(InputError, match="row of scores"):
        ls.fgsm(ls.capture(torch.nn.Conv2d(3, 2, 3).double(), x), x)
