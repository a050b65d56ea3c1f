"""Effects of dropout on the hidden layers of a network for MNIST: 2 x 512 units, rate 0 and .5, 8 epochs.

With dropout, the mean activation and the correlation of units within classes fall in both layers, and the accuracy with
half of the units ablated rises. The correlation over all examples does not fall in the second layer, because it mostly
says which class an example has.
"""

from pathlib import Path

from dropout_cli.analysis.effects.ablation import UNSCALED, ablation_curve
from dropout_cli.analysis.effects.statistics import layer_statistics
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.acceptance.bars import Bars

NETWORK = "architecture={name: mlp, hidden: [512, 512]}"
FELL = {"mean": "mean activation", "within_class_correlation": "|correlation| within classes"}

if __name__ == "__main__":
    bars = Bars("mnist_effects")
    found: dict[tuple[float, str, str], float] = {}
    command = ""
    for rate in (0.0, 0.5):

        def look(path: Path, rate: float = rate) -> None:
            """Keep the statistics of a run."""
            run = Run(path)
            model = restore.load_model(run)
            examples = len(model.dataset.test)
            for layer, one in layer_statistics(run, model, examples).items():
                for key in FELL:
                    found[rate, layer, key] = getattr(one, key)
            curve = ablation_curve(run, model, min(examples, 2000))
            found[rate, "", "half"] = float(curve.scores[UNSCALED][curve.shares.index(0.5)].mean())

        dropout = f"dropout={{variant: inverted, rate: {rate}}}"
        changes = (*bars.few_pictures(), NETWORK, dropout, "training.epochs=8")
        command = bars.train("mnist", *changes, look=look)[2]
    for layer in ("hidden1", "hidden2"):
        for key, words in FELL.items():
            before, after = (found[rate, layer, key] for rate in (0.0, 0.5))
            bars.at_most(f"{words} of {layer} at rate .5 (at rate 0: {before:.4f})", after, before, command)
    before, after = (found[rate, "", "half"] for rate in (0.0, 0.5))
    bars.at_least(f"accuracy with half of the units, rate .5 (rate 0: {before:.4f})", after, before, command)
    bars.end()
