#!/usr/bin/env bash
# Run the tests with the lowest version of each direct dependency that pyproject.toml allows, in an environment of its
# own that is deleted afterwards. From a checkout, with uv installed (`pip install uv`); arguments go to pytest, such as
# the tests to run. Not a part of `.ci/run`: it takes as long as the whole of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
uv venv --quiet --python 3.11 "$scratch/lowest"
uv pip install --quiet --python "$scratch/lowest/bin/python" --resolution lowest-direct -e '.[dev]'
"$scratch/lowest/bin/python" -m pytest "$@"
