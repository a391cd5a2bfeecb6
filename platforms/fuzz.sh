#!/usr/bin/env bash
# Fuzzes every fuzz target of the repository, one after the other: nightly work.
#
#   platforms/fuzz.sh [TIME] [PATTERN]
#
# TIME is how long each target runs (60s), PATTERN chooses packages
# (./tracker/protocol/...). An input that fails is written below the package's
# testdata/fuzz, where every later test run tries it again: commit it with the
# repair. The exit code is 1 if any target failed.
set -u
cd "$(dirname "$0")/.." || exit 1
time=${1:-60s}
pattern=${2:-./...}
failed=0 passed=0
while read -r dir package; do
	targets=$(grep -hoE '^func Fuzz[A-Za-z0-9_]*\(' "$dir"/*_test.go 2>/dev/null | sed -E 's/^func (Fuzz[^(]*)\(/\1/' | sort -u)
	for target in $targets; do
		echo "== $package $target for $time"
		if go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -parallel 2; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAILED: $package $target"
		fi
	done
done < <(go list -f '{{.Dir}} {{.ImportPath}}' "$pattern")
echo "$passed targets held, $failed failed"
[ "$failed" -eq 0 ]
