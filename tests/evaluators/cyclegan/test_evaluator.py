from __future__ import annotations

import sys
import types
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import scipy.linalg
import torch
from made_tasks import denoise
from PIL import Image
from torch import nn

from nasir.apps.search import search
from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.errors import EvaluationError, NasirError, PictureError, SettingsError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Task
from nasir.core.trial import FULL, Proposal
from nasir.evaluators.cyclegan.adversarial import AdversarialSettings, Made, least_squares, train
from nasir.evaluators.cyclegan.discriminator import FIELDS, ReplayPool, halvings, patch_gan
from nasir.evaluators.cyclegan.evaluator import CycleGan
from nasir.evaluators.cyclegan.fid import features, frechet_distance, inception
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings import building
from nasir.tasks.translate import Translate
from nasir.testing import EvaluatorContract


def problem_of(evaluator: CycleGan, task: Task, **space: Any) -> Problem:
    return Problem(NasDip(**{"depth": 1, "width": 4} | space), task, {FULL: evaluator})


def quick(**settings: Any) -> CycleGan:
    return CycleGan(**{"iterations": 2, "batch": 2, "discriminator_width": 4} | settings)


def evaluate(problem: Problem, name: str = "deep_image_prior", seed: int = 0) -> Evaluation:
    proposal = Proposal(problem.space.named(name))
    return problem.evaluator(FULL).evaluate(proposal, problem, seed)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Noise: four pictures to train on and two to test on, of each domain."""
    rng = np.random.default_rng(0)
    for part, count in {"trainA": 4, "trainB": 4, "testA": 2, "testB": 2}.items():
        (tmp_path / part).mkdir()
        for i in range(count):
            values = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(values).save(tmp_path / part / f"{part}-{i}.png")
    return str(tmp_path)


class TestCycleGan(EvaluatorContract):
    def make(self) -> CycleGan:
        return quick(device="cpu")

    def problem(self, evaluator: CycleGan) -> Problem:
        return problem_of(evaluator, Translate(size=32, held_out=2), width=2)


@attrs.frozen
class Colour(SearchSpace):
    """A single architecture, which gives each pixel another colour; at first its own, nearly."""

    domain = Domain("colour", (Decision("kernel", ("one",)),))

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        network = nn.Conv2d(signature.in_channels, signature.out_channels, 1)
        nn.init.normal_(network.bias, 0, 0.01)
        network.weight.data.copy_(torch.eye(3).view(3, 3, 1, 1))
        return network


def test_training_translates_better_than_leaving_pictures_as_they_are() -> None:
    settings = {"batch": 4, "lr": 0.02, "lambda_identity": 0, "discriminator_width": 8}
    evaluator = quick(iterations=25, **settings)
    task = Translate(size=16)
    problem = Problem(Colour(), task, {FULL: evaluator})
    untouched = np.mean([task.metrics(s.degraded, s)["psnr"] for s in task.samples("search")])
    proposal = Proposal(Architecture("colour", {"kernel": "one"}))
    assert evaluator.evaluate(proposal, problem, 0).score > untouched + 1


def test_known_counterparts_are_scored_by_psnr() -> None:
    problem = problem_of(quick(), Translate(size=32, direction="BtoA")).for_test()
    evaluation = evaluate(problem)
    metrics, samples = evaluation.metrics, problem.task.samples("test")
    expected = []
    for sample in samples:
        made = evaluation.restored[sample.name].restored.clip(0, 1)
        clean = sample.clean[0].permute(1, 2, 0).numpy()
        expected.append(-10 * np.log10(((made.astype(float) - clean) ** 2).mean()))
        assert evaluation.by_picture[sample.name]["psnr"] == pytest.approx(expected[-1])
    assert evaluation.score == metrics["psnr"] == pytest.approx(np.mean(expected))


def test_without_counterparts_or_weights_the_cycle_loss_scores(folder: str) -> None:
    evaluation = evaluate(problem_of(quick(), Translate(folder=folder, size=16)).for_test())
    assert evaluation.score == -evaluation.metrics["cycle_loss"] < 0
    assert "psnr" not in evaluation.metrics
    assert {"cycle_loss", "identity_loss", "parameters"} <= evaluation.metrics.keys()
    assert sorted(evaluation.restored) == ["testA-0", "testA-1"]
    assert all(picture.clean is None for picture in evaluation.restored.values())


def test_the_weights_kept_are_those_that_made_the_pictures_and_the_losses() -> None:
    problem = problem_of(quick(), Translate(size=32)).for_test()
    evaluation, space = evaluate(problem), problem.space
    networks = {}
    for way in ("AtoB", "BtoA"):
        network = space.build(space.named("deep_image_prior"), problem.task.signature)
        prefix = f"generator_{way}/"
        state = {
            name.removeprefix(prefix): torch.from_numpy(value)
            for name, value in evaluation.weights.items()
            if name.startswith(prefix)
        }
        network.load_state_dict(state)
        networks[way] = network.eval()
    to_b, to_a = networks["AtoB"], networks["BtoA"]
    assert evaluation.metrics["parameters"] == sum(p.numel() for p in to_b.parameters())
    a, b = (torch.cat([s.degraded for s in x]) for x in problem.task.unseen("test"))
    with torch.no_grad():
        cycle = ((to_a(to_b(a)) - a).abs().mean() + (to_b(to_a(b)) - b).abs().mean()) / 2
        identity = ((to_a(a) - a).abs().mean() + (to_b(b) - b).abs().mean()) / 2
        made = to_b(a)
    assert evaluation.metrics["cycle_loss"] == pytest.approx(cycle.item(), rel=1e-4)
    assert evaluation.metrics["identity_loss"] == pytest.approx(identity.item(), rel=1e-4)
    first = problem.task.samples("test")[0].name
    shown = evaluation.restored[first].restored
    np.testing.assert_allclose(shown, made[0].permute(1, 2, 0), atol=1e-5)


def test_fidelity_is_a_share_of_the_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        "nasir.evaluators.cyclegan.adversarial.train",
        lambda how, g, x, steps, seed: asked.append(steps),
    )
    problem = problem_of(quick(iterations=10), Translate(size=32))
    proposal = Proposal(problem.space.named("deep_image_prior"), fidelity=0.3)
    problem.evaluator(FULL).evaluate(proposal, problem, 0)
    assert asked == [3]


def test_a_search_never_sees_test_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(quick(), Translate(size=32))
    before = evaluate(problem)
    day, snow = problem.task.unseen("test")
    for sample in (*day, *snow):
        sample.degraded.fill_(0)
    assert evaluate(problem).metrics == before.metrics


def test_a_loss_that_is_not_finite_fails_the_trial() -> None:
    with pytest.raises(EvaluationError, match=r"loss of the \w+ is nan at step .* lower"):
        evaluate(problem_of(quick(iterations=20, lr=1e30), Translate(size=32)))


# Training.


class Constant(nn.Module):
    """Makes a picture of one value, whatever it is given."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.value.expand_as(x)


def test_the_losses_are_mean_absolute_differences_of_pictures_in_minus_one_to_one() -> None:
    generators = {"AtoB": Constant(0.5), "BtoA": Constant(0.25)}
    a, b = torch.full((2, 3, 4, 4), 0.1), torch.full((2, 3, 4, 4), 0.9)
    made = Made.of(generators, a, b)
    assert torch.equal(made.a, torch.full_like(a, 0.25))
    assert torch.equal(made.b, torch.full_like(a, 0.5))
    # in [-1, 1]: a = -0.8, b = 0.8, made b = 0, made a = -0.5
    assert made.cycle_loss.item() == pytest.approx(0.3 + 0.8)
    assert made.identity_loss.item() == pytest.approx(0.3 + 0.8)


def test_the_adversarial_loss_is_the_mean_square() -> None:
    scores = torch.tensor([0.0, 1.0, 3.0])
    assert least_squares(scores, 1).item() == pytest.approx((1 + 0 + 4) / 3)
    assert least_squares(scores, 0).item() == pytest.approx(10 / 3)


def test_adam_moves_by_the_learning_rate_that_falls_linearly_in_the_second_half() -> None:
    """With a constant sign of the gradient, Adam's steps are as long as the learning rate."""
    path = []

    class Watched(Constant):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            path.append(self.value.item())
            return super().forward(x)

    generators = nn.ModuleDict({"AtoB": Watched(0.0), "BtoA": Constant(0.0)})
    domains = (torch.ones(2, 3, 16, 16), torch.ones(2, 3, 16, 16))
    how = AdversarialSettings(
        lr=1e-3, batch=1, pool=50, discriminator_width=2, lambda_cycle=1e4, lambda_identity=0.5
    )
    train(how, generators, domains, 8, 0)
    values = [*path[::3], generators["AtoB"].value.item()]  # three passes a step
    steps = np.diff(values)
    np.testing.assert_allclose(steps[:5], 1e-3, rtol=1e-3)
    np.testing.assert_allclose(steps[5:], [0.75e-3, 0.5e-3, 0.25e-3], rtol=1e-3)


# Discriminators.


@pytest.mark.parametrize("side", [70, 34, 16])
def test_an_output_of_the_discriminator_sees_so_many_pixels(side: int) -> None:
    network = patch_gan(2, side)
    for layer in network:
        if isinstance(layer, nn.InstanceNorm2d):
            layer.forward = lambda x: x  # type: ignore[method-assign]  # looks at the whole map
    x = torch.zeros(1, 3, 160, 160, requires_grad=True)
    scores = network(x)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert rows[-1] - rows[0] + 1 == FIELDS[halvings(side)] == side


@pytest.mark.parametrize(("side", "field"), [(16, 16), (33, 16), (64, 34), (70, 70), (256, 70)])
def test_the_discriminator_sees_patches_no_larger_than_the_pictures(side: int, field: int) -> None:
    assert FIELDS[halvings(side)] == field
    with torch.no_grad():
        assert patch_gan(2, side)(torch.rand(1, 3, side, side)).isfinite().all()


def test_the_discriminator_of_the_paper_has_its_parameters() -> None:
    """C64-C128-C256-C512 and a last convolution, with 4 x 4 kernels and biases."""
    channels = [3, 64, 128, 256, 512, 1]
    expected = sum(16 * i * o + o for i, o in pairwise(channels))
    assert sum(p.numel() for p in patch_gan(64, 256).parameters()) == expected == 2_764_737


def test_the_pool_gives_new_pictures_until_it_is_full_and_then_half_of_them_earlier() -> None:
    pool = ReplayPool(50, np.random.default_rng(0))
    given = torch.arange(2050.0).view(-1, 1, 1, 1)
    shown = pool.swapped(given).flatten()
    assert torch.equal(shown[:50], given[:50].flatten())
    earlier = shown[50:] < given[50:].flatten()
    assert earlier.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(shown[50:][~earlier], given[50:].flatten()[~earlier])
    assert len(set(shown[50:][earlier].tolist())) == int(earlier.sum())
    assert len(pool.kept) == 50


def test_no_pool_shows_every_picture_as_it_comes() -> None:
    x = torch.rand(9, 3, 2, 2)
    assert torch.equal(ReplayPool(0, np.random.default_rng(0)).swapped(x), x)


# FID.


def test_the_frechet_distance_of_known_gaussians() -> None:
    """Rows of which mean and covariance are exact: |m|^2 + sum (s_x - s_y)^2 on the axes."""
    rng = np.random.default_rng(0)
    n, d = 40, 5
    white = np.linalg.qr(rng.standard_normal((n, d + 1)) - 0)[0]
    ones = np.linalg.qr(np.column_stack([np.ones(n), white[:, :d]]))[0][:, 1:]
    standard = torch.from_numpy(ones * np.sqrt(n - 1))  # mean 0, covariance the identity
    x = standard * torch.tensor([1.0, 2, 3, 0.5, 1])
    y = standard * torch.tensor([2.0, 2, 1, 0.5, 4]) + torch.tensor([0, 1.0, 0, 0, 3])
    assert frechet_distance(x, y) == pytest.approx((1 + 9) + (1 + 0 + 4 + 0 + 9))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), [(30, 50, 8), (4, 6, 12), (2, 2, 20)])
def test_the_frechet_distance_is_that_of_the_matrix_root(n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((n, d)), rng.standard_normal((m, d)) @ rng.standard_normal((d, d))
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    mean = ((x.mean(0) - y.mean(0)) ** 2).sum()
    half = scipy.linalg.sqrtm(s + 1e-12 * np.eye(d)).real
    root = np.sqrt(np.linalg.eigvalsh(half @ t @ half).clip(0)).sum()
    expected = mean + np.trace(s) + np.trace(t) - 2 * root
    ours = frechet_distance(torch.from_numpy(x), torch.from_numpy(y))
    assert ours == pytest.approx(expected, rel=1e-4)


class MeanColour(nn.Module):
    """Stands in for torch-fidelity's network: its features are the colour and one weight."""

    def __init__(self, name: str, features: list[str], feature_extractor_weights_path: Any) -> None:
        super().__init__()
        assert features == ["2048"]
        self.register_parameter("scale", nn.Parameter(torch.zeros(())))
        self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=True))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        assert x.dtype == torch.uint8
        return (x.float().mean((2, 3)) * self.scale,)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of weights for the network that stands in for torch-fidelity's."""
    module = types.ModuleType("torch_fidelity")
    module.FeatureExtractorInceptionV3 = MeanColour  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", module)
    inception.cache_clear()
    torch.save({"scale": torch.tensor(2.0)}, tmp_path / "inception.pth")
    return str(tmp_path / "inception.pth")


def test_features_are_of_pictures_rounded_to_8_bits(weights: str) -> None:
    pictures = [torch.full((1, 3, 4, 4), value) for value in (-1.0, 0.5, 2.0)]
    found = features(inception(weights), pictures)
    assert found.tolist() == [[0.0] * 3, [2 * 128.0] * 3, [2 * 255.0] * 3]


def test_with_weights_and_without_counterparts_the_fid_scores(folder: str, weights: str) -> None:
    problem = problem_of(quick(weights=weights), Translate(folder=folder, size=16)).for_test()
    problem.check()
    evaluation = evaluate(problem)
    made = [evaluation.restored[f"testA-{i}"].restored for i in (0, 1)]
    real = [s.degraded[0].permute(1, 2, 0).numpy() for s in problem.task.unseen("test")[1]]
    colours = [
        torch.from_numpy((np.stack(x).astype(float).clip(0, 1) * 255).round().mean((1, 2)) * 2)
        for x in (made, real)
    ]
    assert evaluation.metrics["fid_AtoB"] == pytest.approx(frechet_distance(*colours), rel=1e-4)
    assert evaluation.metrics["fid_BtoA"] != evaluation.metrics["fid_AtoB"]
    assert evaluation.score == -evaluation.metrics["fid_AtoB"]
    back = attrs.evolve(problem, task=attrs.evolve(problem.task, direction="BtoA"))
    assert evaluate(back).score == -evaluation.metrics["fid_BtoA"]


def test_known_counterparts_score_before_fid_unless_it_is_asked_for(weights: str) -> None:
    task = Translate(size=32)
    metrics = evaluate(problem_of(quick(weights=weights), task)).metrics
    assert evaluate(problem_of(quick(weights=weights), task)).score == metrics["psnr"]
    wanted = quick(weights=weights, score="fid")
    assert evaluate(problem_of(wanted, task)).score == -metrics["fid_AtoB"]


def test_fid_without_weights_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"score=fid wants evaluator\.weights=FILE"):
        problem_of(quick(score="fid"), Translate()).check()


def test_fid_without_torch_fidelity_is_refused(weights: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(SettingsError, match=r"pip install nasir\[fid\]"):
        problem_of(quick(weights=weights), Translate()).check()


def test_weights_that_are_not_there_are_refused(weights: str) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*nowhere\.pth: No such file"):
        problem_of(quick(weights="nowhere.pth"), Translate()).check()


@pytest.mark.parametrize("kind", ["text", "pickle", "others"])
def test_a_file_of_anything_else_is_refused_and_never_unpickled(
    weights: str, tmp_path: Path, kind: str
) -> None:
    path, mark = tmp_path / "other.pth", tmp_path / "mark"
    if kind == "text":
        path.write_text("no weights")
    elif kind == "pickle":
        torch.save({"scale": Harmful(str(mark))}, path)
    else:
        torch.save({"other": torch.zeros(3)}, path)
    with pytest.raises(SettingsError, match=r"other\.pth does not hold torch-fidelity's"):
        problem_of(quick(weights=str(path)), Translate()).check()
    assert not mark.exists()


class Harmful:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (Path(self.path),)


def test_fid_of_a_single_picture_is_refused(weights: str, folder: str) -> None:
    Path(folder, "testB", "testB-1.png").unlink()
    with pytest.raises(
        PictureError, match=r"two pictures of each domain .* test split has 2 and 1"
    ):
        problem_of(quick(weights=weights), Translate(folder=folder, size=16)).check()


# What can never be evaluated.


def test_a_task_without_two_domains_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"evaluator cyclegan wants task translate.*Denoise"):
        problem_of(quick(), denoise()).check()


def test_psnr_without_counterparts_is_refused(folder: str) -> None:
    with pytest.raises(SettingsError, match="which nobody does"):
        problem_of(quick(score="psnr"), Translate(folder=folder, size=16)).check()


def test_pictures_smaller_than_the_space_takes_are_refused(folder: str) -> None:
    with pytest.raises(PictureError, match="16 x 16 pixels large, the space needs 32 x 32"):
        problem_of(quick(), Translate(folder=folder, size=16), depth=6).check()


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"evaluator\.device='nonsense': .* use cpu"):
        problem_of(quick(device="nonsense"), Translate()).check()


@pytest.mark.parametrize(
    "wrong", [{"lr": 0}, {"batch": 0}, {"pool": -1}, {"lambda_cycle": -1}, {"score": "ssim"}]
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NasirError):
        building.structure(CycleGan, wrong)


def test_epochs_are_passes_over_the_larger_domain():
    """Summer and winter have 1,231 and 962 pictures to train on: 246,200 steps of one."""
    assert CycleGan(epochs=200, batch=1).full_steps(1231) == 246_200
    assert CycleGan(epochs=2, batch=4).full_steps(9) == 6
    assert CycleGan(iterations=7).full_steps(1231) == 7


def test_the_recipe_of_table_3_has_cyclegans_own_settings():
    (planned,) = search.plan(["nasdip-table3-translation"], {})
    evaluator: Any = planned.problem.evaluator(FULL)
    assert (evaluator.epochs, evaluator.batch, evaluator.lr) == (200, 1, 2e-4)
    assert (evaluator.pool, evaluator.discriminator_width) == (50, 64)
    assert planned.settings.references == ("cyclegan_unet", "deep_image_prior", "nasdip_denoising")


def test_a_generator_may_be_the_u_net_of_cyclegan(folder: str):
    problem = problem_of(quick(epochs=1, device="cpu"), Translate(folder=folder, size=16))
    assert evaluate(problem, "cyclegan_unet").metrics["cycle_loss"] > 0
