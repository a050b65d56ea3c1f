#!/usr/bin/env bash
# Run the main commands and a part of the tests with other versions of Python, each in an environment of its own that is
# deleted afterwards. From a checkout: tests/pythons.sh python3.12 python3.13
# Not a part of `.ci/run`, whose machine has one version.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for python in "$@"; do
    place=$(mktemp -d -p "$scratch")
    "$python" -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet "$checkout" hypothesis jsonschema pytest pytest-xdist
    (
        cd "$place"
        PATH="$place/venv/bin:$PATH"
        dropout train digits training.epochs=1 --quiet
        dropout verify latest --replay --quiet
        dropout sweep digits dropout.rate=0,0.3 training.epochs=1 --seeds 2 --quiet
        dropout variants > /dev/null
    )
    "$place/venv/bin/python" -m pytest --quiet --numprocesses 2 -p no:cacheprovider tests/core tests/runs \
        tests/statistics tests/test_platforms.py
    echo "works with $("$python" --version)"
done
