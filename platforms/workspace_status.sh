#!/bin/sh
# What --config=release stamps into the binaries (x_defs of //util/version).
# Nothing here depends on time or machine: one commit, one binary.
set -eu
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
if [ -n "$(git status --porcelain 2>/dev/null)" ]; then
	commit=$commit-dirty
fi
echo "STABLE_VERSION $(git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null || echo dev)"
echo "STABLE_COMMIT $commit"
