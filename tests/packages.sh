#!/usr/bin/env bash
# Build the wheel and the source archive, install each into an environment of its own outside of the checkout, and use
# what was installed there: train, sweep, reproduce, list the variants, report. From a checkout, with `pip install
# build`. With a folder as argument, the two packages in it are used instead. PYTHON names the interpreter.
# Not a part of `.ci/run`: it installs all dependencies twice.
set -euo pipefail
dist=${1:+$(cd "$1" && pwd)}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -z "$dist" ]; then
    dist=$scratch/dist
    "$python" -m build --outdir "$dist" .
    # `build` makes the wheel from the source archive; the checkout must give the same bytes.
    "$python" -m build --wheel --outdir "$scratch/direct" .
    cmp "$dist"/*.whl "$scratch"/direct/*.whl
    echo 'the source archive builds the same wheel as the checkout'
fi

unwanted='(^|/)(runs|\.venv|\.git|__pycache__|\.[a-z]+_cache|\.hypothesis|build|dist)/|\.pyc$'
tar -tzf "$dist"/*.tar.gz | cut -d / -f 2- > "$scratch/source"
"$python" -m zipfile --list "$dist"/*.whl | awk 'NR > 1 {print $1}' > "$scratch/wheel"
# Packages of that name in the code are no folders for runs.
if cat "$scratch/source" "$scratch/wheel" | grep -vE '^(dropout_cli|tests)/(.+/)?[a-z_]+\.py$' | grep -E "$unwanted"; then
    echo 'these files must not be in a package' >&2
    exit 1
fi
for file in dropout_cli/configs/digits.yaml dropout_cli/configs/papers/ dropout_cli/py.typed; do
    grep -q "^$file" "$scratch/wheel" || { echo "$file is not in the wheel" >&2; exit 1; }
done
for file in configs/papers/ tests/conftest.py docs/ LICENSE CITATION.cff; do
    grep -q "^$file" "$scratch/source" || { echo "$file is not in the source archive" >&2; exit 1; }
done

for package in "$dist"/*.whl "$dist"/*.tar.gz; do
    place=$(mktemp -d -p "$scratch")
    "$python" -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet "$package"
    (
        cd "$place"
        PATH="$place/venv/bin:$PATH"
        dropout --version
        run=$(dropout train digits training.epochs=1 --quiet)
        dropout sweep digits dropout.rate=0,0.3 training.epochs=2 --seeds 2 --quiet
        dropout reproduce > reproductions
        # Every paper that comes with the package is listed, and every config can be read.
        for file in venv/lib/python*/site-packages/dropout_cli/configs/papers/*.yaml; do
            grep -qF "$(basename "$file" .yaml)" reproductions
        done
        for file in venv/lib/python*/site-packages/dropout_cli/configs/{*,variants/*}.yaml; do
            dropout config check "$file" > /dev/null
        done
        dropout variants
        dropout report "$run"
        dropout report runs/sweep-digits
        dropout config schema > /dev/null
    )
    echo "installed and used: $(basename "$package")"
done
