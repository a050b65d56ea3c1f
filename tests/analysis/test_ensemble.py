"""Sampled networks of a run, and all its masks, as ensembles."""

import csv
import io
import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis.ensemble.exact import study_all_masks, with_given_masks
from dropout_cli.analysis.ensemble.sampled import study_sampled_networks
from dropout_cli.analysis.ensemble.scoring import ClassScoring
from dropout_cli.analysis.evaluate import evaluate_monte_carlo
from dropout_cli.analysis.inspection import Inspection, read_inspections, write_inspection
from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import Noise, stream
from dropout_cli.data.dataset import AffineScaling, Dataset, Part
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.losses import log_softmax
from dropout_cli.runs import Run
from dropout_cli.training import forward_passes, restore
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.dropconnect import MaskedLinear
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from tests.metrics.test_ensembles import HIDDEN, LABELS, B, W
from tests.small_run import train
from tests.variants.test_contract import FLOAT64

WEIGHT_NOISE = {
    "dropconnect": {},
    "dropconnect exact": {"masks": "exact"},
    "variational": {"mode": "weight"},
    "sparse_variational": {},
}
"""Case -> settings of a variant whose weights have the noise."""
REGRESSION = ("dataset={name: diabetes}", "training.epochs=3")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network with two hidden layers that classifies digits."""
    return train(tmp_path_factory.mktemp("run"))


def figure_rows(inspection: Inspection) -> list[dict[str, str]]:
    """Return the rows of the CSV file of the only figure."""
    (figure,) = inspection.figures
    return list(csv.DictReader(io.StringIO(inspection.contents(images=False)[f"{figure.name}.csv"].decode())))


def test_single_networks_are_those_of_eval(run: Run) -> None:
    """Mean and standard deviation of their scores are the numbers of `eval --mc --thinned`."""
    found = study_sampled_networks(run, 5).numbers
    thinned = evaluate_monte_carlo(run, 1, thinned=5, figures=False)["thinned"]
    for metric in ("accuracy", "nll", "brier"):
        assert found["single"][metric]["mean"] == pytest.approx(thinned["mean"][metric], abs=1e-6)
        assert found["single"][metric]["sd"] == pytest.approx(thinned["sd"][metric], abs=1e-6)


def test_the_curve_goes_from_one_network_to_the_average_of_all(run: Run) -> None:
    """At size 1 it is the mean of the single networks, at size K the average of K; weight scaling has no size."""
    inspection = study_sampled_networks(run, 6)
    first, *_, last, scaled = figure_rows(inspection)
    numbers = inspection.numbers
    assert (first["size"], last["size"], scaled["size"]) == ("1", "6", "")
    for row, scores in (
        (first, {key: one["mean"] for key, one in numbers["single"].items()}),
        (last, numbers["arithmetic_mean"]),
        (scaled, numbers["weight_scaling"]),
    ):
        assert float(row["nll"]) == pytest.approx(scores["nll"], abs=1e-9)
        assert float(row["error"]) == pytest.approx(1 - scores["accuracy"], abs=1e-12)
    assert (first["subsets"], last["subsets"], float(last["nll_sd"])) == ("6", "1", 0.0)


def test_printed_decompositions_add_up(run: Run) -> None:
    """The numbers of a sentence are a sum to their last digit, and those of results.json to 1e-12."""
    inspection = study_sampled_networks(run, 6)
    sums = [text for text in inspection.sentences if " = " in text]
    assert len(sums) == 3
    for text in sums:
        single, average, ambiguity = (round(float(number) * 1e12) for number in re.findall(r"\d+\.\d+", text))
        assert single == average + ambiguity and ambiguity > 0
    for one in inspection.numbers["decompositions"].values():
        assert one["single"] == pytest.approx(one["average"] + one["ambiguity"], abs=1e-12)


def test_the_same_study_gives_the_same_bytes_and_can_be_read_back(run: Run) -> None:
    """Its files are equal, and a report gets the same texts and columns."""
    one, again = (study_sampled_networks(run, 3) for _ in range(2))
    assert one.contents(images=True) == again.contents(images=True)
    write_inspection(run, one)
    (stored,) = [each for each in read_inspections(run) if each.folder == one.folder]
    assert stored.sentences == one.sentences and stored.title == one.title
    assert stored.figures[0].draw() == one.figures[0].draw()


def test_a_regression_has_a_squared_error_and_no_geometric_mean(tmp_path: Path) -> None:
    """Its curve is the RMSE, and its squared error adds up."""
    found = study_sampled_networks(train(tmp_path, *REGRESSION), 4)
    assert "geometric_mean" not in found.numbers and "disagreement" not in found.numbers
    ((name, one),) = found.numbers["decompositions"].items()
    assert name.startswith("squared_error:") and one["single"] == pytest.approx(one["average"] + one["ambiguity"])
    assert float(figure_rows(found)[-2]["rmse"]) == pytest.approx(found.numbers["arithmetic_mean"]["rmse"], abs=1e-9)
    assert found.numbers["arithmetic_mean"]["rmse"] < found.numbers["single"]["rmse"]["mean"]


def test_a_run_without_noise_has_no_ensemble(tmp_path: Path) -> None:
    """The message names the variant and the reason, and nothing is written."""
    for settings, why in ((("dropout={variant: none}",), "has no noise"), (("dropout.rate=0",), "drops nothing")):
        plain = train(tmp_path, *settings)
        for study in (partial(study_sampled_networks, plain, 2), partial(study_all_masks, plain)):
            with pytest.raises(UsageError, match=f"all sampled networks are equal, because the variant .* {why}"):
                study()
        assert not (plain.path / "after").exists()


def test_a_convolutional_network_with_batch_normalization_is_sampled_in_evaluation_mode(tmp_path: Path) -> None:
    """Its running statistics stay, and the outputs of an example do not depend on the others."""
    architecture = "architecture={name: cnn, layers: [conv 4 3x3, pool 2, dense 8], batch_norm: true}"
    trained = restore.load_model(train(tmp_path, architecture, "training.epochs=1"))
    part, network = trained.dataset.test, trained.learner.network
    before = {name: array.copy() for name, array in network.state().items()}
    assert before

    def networks(batch: int) -> list[np.ndarray]:
        made = forward_passes.sampled_networks(network, trained.dataset, part, seed=1, count=2, batch=batch)
        return list(made)

    for one, other in zip(networks(256), networks(1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert all(np.array_equal(array, before[name]) for name, array in network.state().items())


@pytest.mark.parametrize("case", WEIGHT_NOISE)
def test_a_network_with_noisy_weights_has_one_weight_matrix_for_all_examples(case: str) -> None:
    """With one draw z is affine in x: z(a + b) + z(0) = z(a) + z(b). Draws of z for each example are not."""
    variant = VARIANTS[case.partition(" ")[0]](**WEIGHT_NOISE[case])
    around = BuildContext(shape=(5,), outputs=3, examples=100, steps=50, seed=7, dtype=FLOAT64)
    built = Mlp(hidden=(6, 4)).build(variant, around)
    (layer, *_) = [one for one in leaves(built) if isinstance(one, GaussianLinear | MaskedLinear)]
    a, b = stream(3, "test:x").standard_normal((2, 5))
    x = np.array([a, b, a + b, np.zeros(5)])

    def gap(shared: bool) -> float:
        z = layer.forward(x, noise=Noise(0, 1, role="thinned", training=False, shared=shared))
        return float(np.abs(z[0] + z[1] - z[2] - z[3]).max())

    assert gap(True) < 1e-12 < 1e-2 < gap(False)


def test_masks_that_are_set_give_the_worked_example() -> None:
    """A network with 6 units below one softmax layer: all 64 masks give the numbers of the formulas."""
    around = BuildContext(shape=(6,), outputs=3, examples=2, steps=5, seed=7, dtype=FLOAT64)
    built = Mlp(hidden=(6,), activation="relu").build(Inverted(rate=0.5), around)
    first, last = [one for one in leaves(built) if isinstance(one, Dense)]
    for layer, layer_w, layer_b in ((first, np.eye(6), np.zeros(6)), (last, W, B)):
        layer.W.value[...], layer.b.value[...] = layer_w, layer_b
    part = Part(HIDDEN, LABELS, np.arange(2))
    data = Dataset("made", part, None, part, ("a", "b", "c"), AffineScaling(np.ones(1), np.zeros(1)), "")
    masked = with_given_masks(built, HIDDEN[:1], place="made", variant="inverted")
    assert masked.is_linear and len(masked.keep) == 6
    weights, outputs = zip(*masked.networks(data, part, 1), strict=True)
    summary = ClassScoring(LABELS).summarize(map(log_softmax, outputs), weights)
    np.testing.assert_allclose(
        np.exp(summary.averages["arithmetic_mean"])[:, :2],
        [[0.69032331, 0.22121133], [0.35110214, 0.37881392]],
        atol=6e-9,
    )
    np.testing.assert_allclose(
        np.exp(summary.averages["geometric_mean"])[:, :2],
        [[0.85306509, 0.1044633], [0.48249333, 0.3400073]],
        atol=6e-9,
    )
    assert summary.disagreement == pytest.approx((0.375 + 0.65625) / 2, abs=1e-12)


@pytest.mark.parametrize("variant", ["inverted", "standard"])
def test_the_geometric_mean_over_all_masks_of_a_run_is_weight_scaling(tmp_path: Path, variant: str) -> None:
    """It is to float32 precision with one hidden layer, whose noise is below the softmax; it is not with two."""
    one, two = (
        study_all_masks(train(tmp_path, f"architecture.hidden={hidden}", f"dropout.variant={variant}")).numbers
        for hidden in ("[5]", "[3, 2]")
    )
    assert one["linear_above_noise"] and one["largest_difference"]["geometric_mean"] < 1e-5
    assert one["largest_difference"]["arithmetic_mean"] > 1e-3
    assert one["geometric_mean"]["nll"] == pytest.approx(one["weight_scaling"]["nll"], abs=1e-5)
    assert not two["linear_above_noise"] and two["largest_difference"]["geometric_mean"] > 1e-3
    assert (one["masks"], two["masks"]) == (32, 32)


def test_the_arithmetic_mean_over_all_masks_is_weight_scaling_for_linear_outputs(tmp_path: Path) -> None:
    """A regression with one hidden layer has linear outputs above the noise."""
    found = study_all_masks(train(tmp_path, *REGRESSION, "architecture.hidden=[5]"))
    numbers = found.numbers
    assert numbers["linear_above_noise"] and numbers["largest_difference"]["arithmetic_mean"] < 1e-3
    assert numbers["arithmetic_mean"]["rmse"] == pytest.approx(numbers["weight_scaling"]["rmse"], rel=1e-5)
    assert "arithmetic mean over all 2^5 masks is weight scaling" in found.figures[0].finding
    assert found.figures[0].draw().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ((), "--exact works with at most 12 units and inputs with noise, and there are 28"),
        (("dropout={variant: gaussian}",), "the variant gaussian does not"),
        (("dropout={variant: dropconnect}",), "the variant dropconnect does not"),
        (("architecture={name: resnet, depth: 8, widths: [2, 3, 4]}",), "the variant inverted does not|at most 12"),
    ],
)
def test_all_masks_need_few_units_that_are_dropped_independently(
    tmp_path: Path, settings: tuple[str, ...], fact: str
) -> None:
    """The message says what --exact needs, and nothing is written."""
    other = train(tmp_path, *settings, "training.epochs=1", "training.steps_per_epoch=2")
    with pytest.raises(UsageError, match=fact):
        study_all_masks(other)
    assert not (other.path / "after").exists()


def test_numbers_of_the_folder_are_those_that_are_printed(run: Run) -> None:
    """results.json has them under `results`; networks.csv has a row for each network."""
    inspection = study_sampled_networks(run, 4)
    folder = write_inspection(run, inspection, images=False)
    assert json.loads((folder / "results.json").read_text())["results"] == inspection.numbers
    rows = list(csv.DictReader(io.StringIO((folder / "networks.csv").read_text())))
    assert len(rows) == 4
    assert np.mean([float(row["nll"]) for row in rows]) == pytest.approx(inspection.numbers["single"]["nll"]["mean"])
