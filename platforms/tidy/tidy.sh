#!/bin/sh
# bazel run //:tidy: everything that keeps the tree in order, in the right order.
# The build server runs it too, and wants no difference afterwards.
set -eu

if [ -z "${BUILD_WORKSPACE_DIRECTORY:-}" ]; then
	echo "tidy: start me with: ./bazelw run //:tidy" >&2
	exit 1
fi
cd "$BUILD_WORKSPACE_DIRECTORY"
unset BUILD_WORKSPACE_DIRECTORY BUILD_WORKING_DIRECTORY RUNFILES_DIR RUNFILES_MANIFEST_FILE

# The go command of this machine, or else the one Bazel builds with.
go() {
	if command -v go >/dev/null; then
		command go "$@"
	else
		./bazelw run @rules_go//go -- "$@"
	fi
}

go mod tidy
# gofumpt and buildifier are pinned in go.mod, like every other tool. gofumpt
# passes generated files over.
go tool gofumpt -l -w .
./bazelw run //:gazelle
./bazelw mod tidy
go tool buildifier -r -mode=fix -lint=off .
