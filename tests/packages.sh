#!/usr/bin/env bash
# Build the wheel and the source archive, install each into an environment of its own outside of the checkout, and use
# what was installed there: train, sweep, list the variants, report. From a checkout, with `pip install build`.
# Not a part of `.ci/run`: it installs all dependencies twice.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m build --outdir "$scratch/dist" .
for package in "$scratch"/dist/*.whl "$scratch"/dist/*.tar.gz; do
    place=$(mktemp -d -p "$scratch")
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet "$package"
    (
        cd "$place"
        PATH="$place/venv/bin:$PATH"
        run=$(dropout train digits training.epochs=2 --quiet)
        dropout sweep digits dropout.rate=0,0.3 training.epochs=2 --seeds 2 --quiet
        dropout variants
        dropout report "$run"
        dropout report runs/sweep-digits
        dropout config schema > /dev/null
    )
    echo "installed and used: $(basename "$package")"
done
