#!/usr/bin/env bash
# Tries the faults of docs/faults.md for long: processes killed a hundred times,
# a database away for a minute, a disk that is full and one that is slow.
#
#   platforms/faults.sh [ROUNDS] [SECONDS] [PATTERN]
#
# ROUNDS is how often a process is killed (100), SECONDS how long something is
# away (60), PATTERN chooses tests. As root, with PostgreSQL and strace at hand,
# nothing is left out. The exit code is 1 if anything failed.
set -u
cd "$(dirname "$0")/.." || exit 1
export WAYMARK_FAULT_ROUNDS=${1:-100} WAYMARK_FAULT_SECONDS=${2:-60}
export WAYMARK_REQUIRE_POSTGRES=1 WAYMARK_REQUIRE_STRACE=1
pattern=${3:-'TestKilled|TestDatabaseStopped|TestDiskFull|TestDiskSlow|TestSlowWatchers|TestTrackersShareTheWork'}
failed=0
go test ./e2e -run "$pattern" -count=1 -timeout 2h -v || failed=1
# The parts by themselves: bus, store, clocks.
go test ./util/bus -run 'Killed|Cluster|FullDisk|Damaged|Repair' -count=1 -timeout 30m || failed=1
go test ./util/storage/... -run 'Full|Stopped|Damage|Contract' -count=1 -timeout 30m || failed=1
go test ./tracker/tracking -run 'Clock|Kill' -count=1 || failed=1
exit $failed
