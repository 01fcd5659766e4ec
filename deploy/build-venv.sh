#!/bin/sh
# Make a virtual environment that holds Winnow with one extra, every dependency at the locked version and with its hash.
#   deploy/build-venv.sh EXTRA DIRECTORY      run in the checkout
set -eu
extra=$1
venv=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
python3 -m venv "$venv"

# Which distributions the extra needs, at the locked versions; constraints must not carry hashes.
sed -e 's/ *\\$//' -e '/^ *--hash/d' requirements.lock >"$work/versions.txt"
"$venv/bin/pip" install --dry-run --ignore-installed --quiet --report "$work/report.json" \
    --constraint "$work/versions.txt" ".[$extra]"
python3 scripts/lock_subset.py requirements.lock "$work/report.json" >"$work/needed.lock"
"$venv/bin/pip" install --quiet --no-deps --require-hashes --requirement "$work/needed.lock"

# The project's own wheel is built beside the environment, so that no build tool stays in it.
"$venv/bin/pip" wheel --quiet --no-deps --wheel-dir "$work" .
"$venv/bin/pip" install --quiet --no-deps "$work"/winnow-*.whl
"$venv/bin/pip" uninstall --quiet --yes setuptools pip
