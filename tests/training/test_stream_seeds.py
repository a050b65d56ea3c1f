"""`streams`: each random stream of a training can have a seed of its own."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.analysis.replay import replay_run
from dropout_cli.config.schema import StreamSeeds
from dropout_cli.core.errors import ConfigError
from dropout_cli.runs import RESOLVED
from dropout_cli.training import resume
from dropout_cli.training.checkpoint import comparable_config, config_digest
from dropout_cli.training.setup import prepare
from tests.small_run import CONFIG, ignore, train
from tests.small_sweep import planned
from tests.training.test_resume import EVERY, interrupted, same_bytes
from tests.training.test_streams import EPOCHS, ORDERS, SEED, SETTINGS, START, Name, recorded

SEEDS = {"init": 11, "order": 12, "noise": 13, "augment": 14}
ROLES = {"init": "init:", "order": "order", "noise": "noise:", "augment": "augment"}
"""Stream -> the beginning of its roles."""


def reseeded(names: set[Name], stream: str) -> set[Name]:
    """The streams of a run, with the seed of one of them changed."""
    return {(SEEDS[stream] if role.startswith(ROLES[stream]) else seed, role, n) for seed, role, n in names}


@pytest.mark.parametrize("stream", SEEDS)
def test_the_seed_of_a_stream_changes_its_draws_and_no_others(stream: str, tmp_path: Path) -> None:
    """A convolutional network with augmentation draws from all four; the split keeps its own seed."""
    with recorded() as drawn:
        train(tmp_path, *SETTINGS, f"streams.{stream}={SEEDS[stream]}")
    assert set(drawn()) == reseeded(START | ORDERS | EPOCHS, stream)


def test_input_and_hidden_noise_belong_to_the_stream_of_noise(tmp_path: Path) -> None:
    """Each generator of an epoch that a network with all kinds of noise draws from has the seed of that stream."""
    noisy = ("architecture.input_noise=0.1", "architecture.hidden_noise=0.1", "dropout.input_rate=0.1")
    with recorded() as drawn:
        train(tmp_path, *noisy, f"seed={SEED}", "streams.noise=13")
    roles = {role: seed for seed, role, _ in drawn() if role.startswith("noise:")}
    assert set(roles.values()) == {13}
    assert {role.rpartition("/")[2] for role in roles} == {"dropout", "additive_noise"}


@pytest.mark.parametrize("stream", ("order", "noise"))
def test_another_order_or_noise_leaves_the_initial_weights(stream: str, tmp_path: Path) -> None:
    """The bytes of all weights before the first step are equal, and those after the last are not."""
    (tmp_path / "c.yaml").write_text(CONFIG)
    bases = [config.load_config(tmp_path / "c.yaml", words).experiment for words in ((), (f"streams.{stream}=5",))]
    before, after = (
        {name: one.value.tobytes() for name, one in prepare(base).learner.network.parameters().items()}
        for base in bases
    )
    assert before == after
    runs = [train(tmp_path / str(place), *words) for place, words in enumerate(((), (f"streams.{stream}=5",)))]
    assert not same_bytes(*runs)


def test_another_seed_of_the_start_changes_every_random_weight(tmp_path: Path) -> None:
    """Biases start at 0, and every array of weights differs."""
    (tmp_path / "c.yaml").write_text(CONFIG)
    first, other = (
        prepare(config.load_config(tmp_path / "c.yaml", words).experiment).learner.network.parameters()
        for words in ((), ("streams.init=5",))
    )
    for name, parameter in first.items():
        assert np.array_equal(parameter.value, other[name].value) == name.endswith("/b")


def test_streams_with_the_seed_of_the_run_give_its_bytes(tmp_path: Path) -> None:
    """`streams` with four times the seed is the same run as without, and the key `seed` then no longer matters."""
    plain = train(tmp_path / "plain", "seed=3")
    named = train(tmp_path / "named", "seed=3", "streams={init: 3, order: 3, noise: 3, augment: 3}")
    weights = ("metrics.csv", "predictions.npz", "confusion_matrix.csv", "mistakes.csv")
    assert all(plain.read(name) == named.read(name) for name in weights)
    moved = train(tmp_path / "moved", "seed=4", "streams={init: 3, order: 3, noise: 3, augment: 3}")
    assert all(plain.read(name) == moved.read(name) for name in weights)


def test_a_config_without_streams_has_the_digest_of_older_versions(tmp_path: Path) -> None:
    """The key at its defaults does not count, so runs of older versions can be resumed, verified and compared."""
    (tmp_path / "c.yaml").write_text(CONFIG)
    plain, own = (config.load_config(tmp_path / "c.yaml", words).experiment for words in ((), ("streams.init=0",)))
    values = config.to_dict(plain)
    older = {key: value for key, value in values.items() if key != "streams"}
    assert values["streams"] == dict.fromkeys(SEEDS)
    assert comparable_config(values) == comparable_config(older) and "streams" not in comparable_config(values)
    assert config_digest(plain) != config_digest(own)
    assert plain.streams == StreamSeeds()


def test_a_killed_run_with_streams_ends_with_the_bytes_of_an_uninterrupted_one(tmp_path: Path) -> None:
    """The seeds of the streams are in the stored config, from which the run goes on; a replay agrees as well."""
    words = ("streams={init: 3, order: 1, noise: 7}", "training.epochs=4", EVERY)
    whole = train(tmp_path / "whole", *words)
    run = interrupted(tmp_path, 2, *words)
    resume.resume_run(run, watch=ignore, figures=False)
    assert run.status == "completed" and same_bytes(run, whole)
    assert "init: 3" in run.read(RESOLVED).decode()
    assert all(check.right for check in replay_run(whole, watch=ignore))


def test_a_run_with_streams_can_be_trained_for_longer(tmp_path: Path) -> None:
    """Two epochs and two more give the bytes of four."""
    words = ("streams={init: 3, order: 1, noise: 7}", EVERY)
    whole = train(tmp_path / "whole", *words, "training.epochs=4")
    run = train(tmp_path / "short", *words)
    resume.resume_run(run, watch=ignore, figures=False, epochs=4)
    assert same_bytes(run, whole)


def test_the_seeds_of_a_stream_can_be_swept(tmp_path: Path) -> None:
    """Each value is a setting of its own, and a sweep without the key keeps the names of its runs."""
    plan = planned(tmp_path, "seeds: 2\n", "streams.init=0,1,2")
    assert plan.keys == ("streams.init",) and len(plan.cells) == 6
    assert [dict(group.values) for group in plan.groups] == [{"streams.init": seed} for seed in (0, 1, 2)]
    assert [cell.experiment.stream_seed("init") for cell in plan.cells] == [0, 0, 1, 1, 2, 2]
    assert json.loads(json.dumps(plan.groups[1].config["streams"])) == {**dict.fromkeys(SEEDS), "init": 1}


def test_a_sweep_says_which_streams_do_not_vary_with_its_seeds(tmp_path: Path) -> None:
    """Its runs are then replicates of fewer things than a reader expects; a stream that is swept is no such thing."""
    (message,) = planned(tmp_path, "seeds: 2\n", "streams.init=0", "dropout.rate=0,0.2").reasons
    assert message == "streams.init is fixed: these draws are the same in all runs, whatever their seed."
    assert planned(tmp_path, "seeds: 2\n", "streams.init=0,1").reasons == ()
    assert planned(tmp_path, "seeds: 1\n", "streams.init=0").reasons == ()


@pytest.mark.parametrize(
    "word, message",
    [
        ("streams.init=-1", "streams.init"),
        ("streams.split=3", "takes: init, order, noise, augment"),
        ("streams=3", "It takes: init, order, noise, augment"),
    ],
)
def test_a_wrong_stream_is_one_line(word: str, message: str, tmp_path: Path) -> None:
    """A seed below 0, an unknown stream and a number for the block are refused, each with the known names."""
    (tmp_path / "c.yaml").write_text(CONFIG)
    with pytest.raises(ConfigError, match=message):
        config.load_config(tmp_path / "c.yaml", (word,))
