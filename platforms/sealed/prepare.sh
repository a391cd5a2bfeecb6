#!/bin/bash
# Prepares the sealed build: everything Bazel needs where only Debian's archive
# and a Go module proxy answer. bazelw calls it; it may be run by hand as well.
#
#	prepare.sh             what every build needs
#	prepare.sh browser     and Chromium, for the tests that drive a browser
#
# Everything lands in one folder of the user's cache and can be deleted at any
# time. Each part is named after a hash of what it is made from, is built beside
# its place and moved there when whole: so it may be interrupted, may run twice
# at the same time, and after an upgrade makes only what changed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
workspace=$(cd "$here/../.." && pwd -P)
cache=${WAYMARK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/waymark}/sealed

# What is fetched. The Go modules carry the version that MODULE.bazel asks for.
suite=testing # the first Debian that carries this Bazel
packages=bazel-bootstrap,bazel-skylib,bazel-rules-shell,bash,ca-certificates,coreutils,dash,diffutils,findutils,g++,gawk,gcc,git,grep,gzip,mount,patch,postgresql,procps,sed,tar,tzdata,unzip,util-linux,xz-utils,zip
browser=chromium,fonts-dejavu-core

say() { printf 'bazelw: %s\n' "$*" >&2; }
fail() {
	say "$*"
	exit 1
}
hash_of() { sha256sum | cut -c1-12; }
# version_of MODULE: the version MODULE.bazel declares
version_of() { sed -n "s/^bazel_dep(name = \"$1\", version = \"\([^\"]*\)\".*/\1/p" "$workspace/MODULE.bazel"; }
# finish PART-IN-THE-MAKING PLACE
finish() {
	rm -rf "$2"
	mv "$1" "$2"
}
# scratch NAME: an empty folder beside the final ones
scratch() {
	rm -rf "$cache/$1.part"
	mkdir -p "$cache/$1.part"
	echo "$cache/$1.part"
}

install_debian() { # PACKAGE COMMAND
	command -v "$2" >/dev/null && return
	say "installing $1"
	if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1"; } >"$cache/apt.log" 2>&1; then
		fail "cannot install $1; see $cache/apt.log, then run: apt-get install $1"
	fi
}

# debian NAME SUITE PACKAGES: a private Debian tree, which the host never sees
debian() {
	local part
	install_debian mmdebstrap mmdebstrap
	say "unpacking $2: $3 (once, a minute or two)"
	part=$(scratch "$1")
	# A mirror may be a snapshot: its Release file is signed, but past its date.
	# Manuals and translations are a tenth of the tree and read by nobody.
	# shellcheck disable=SC2016 # $1 is for mmdebstrap to fill in
	if ! mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' --include="$3" \
		--customize-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale' \
		"$2" "$part" >"$cache/$1.log" 2>&1; then
		fail "cannot unpack Debian $2 with mmdebstrap; see $cache/$1.log"
	fi
}

make_root() {
	local part=$cache/${root##*/}.part
	debian "${root##*/}" "$suite" "$packages"
	# /var/run is made by a script that an extracted tree does not run.
	[ -e "$part/var/run" ] || ln -s /run "$part/var/run"
	mkdir -p "$part/.host"
	finish "$part" "$root"
}

make_browser() {
	[ -e "$root/usr/bin/chromium" ] && return
	local part
	debian "${root##*/}-browser" "$suite" "$packages,$browser"
	part=$cache/${root##*/}-browser.part
	# The same tree with more in it: what is new is copied, what runs stays in place.
	cp -an --no-preserve=timestamps "$part/." "$root/" 2>/dev/null || cp -an "$part/." "$root/"
	rm -rf "$part"
}

# Go runs on the host; where the host has none, Debian's is put beside Bazel.
find_go() {
	if ! command -v go >/dev/null; then
		if [ ! -e "$cache/go" ]; then
			debian go "$suite" golang-go
			finish "$cache/go.part" "$cache/go"
		fi
		PATH=$(echo "$cache"/go/usr/lib/go-*/bin):$PATH
	fi
	local need
	need=$(sed -n 's/^go \([0-9.]*\)$/\1/p' "$workspace/go.mod")
	goroot=$(cd "$workspace" && go env GOROOT 2>"$cache/go.log") ||
		fail "the go command cannot provide Go $need; install it (https://go.dev/doc/install); see $cache/go.log"
	goversion=$(sed -n 's/^go//p;1q' "$goroot/VERSION")
}

# go_module PATH VERSION DIR: a writable copy of a module's source
go_module() {
	local json source
	json=$(cd "$cache" && GOFLAGS=-mod=mod GOWORK=off go mod download -json "$1@$2") ||
		fail "cannot download the Go module $1 $2: is GOPROXY set right?"
	source=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p' <<<"$json")
	mkdir -p "$3"
	cp -r "$source/." "$3"
	chmod -R u+w "$3"
	find "$3" -name '*.sh' -exec chmod +x {} +
}

make_modules() {
	local part
	say "fetching rules_go $(version_of rules_go) and gazelle $(version_of gazelle)"
	part=$(scratch "${modules##*/}")
	go_module github.com/bazelbuild/rules_go "v$(version_of rules_go)" "$part/rules_go"
	go_module github.com/bazelbuild/bazel-gazelle "v$(version_of gazelle)" "$part/gazelle"
	# It asks go.dev for checksums of every Go, which it does without as well.
	sed -i 's/^def fetch_sdks_by_version(ctx, allow_fail = False):$/&\n    if allow_fail:\n        return None/' \
		"$part/rules_go/go/private/sdk.bzl"
	# A module's zip holds no vendored packages; gazelle's repository tools are
	# built from them.
	rm -rf "$part/gazelle/tests"
	(cd "$part/gazelle" && GOFLAGS=-mod=mod GOWORK=off go mod vendor >"$cache/vendor.log" 2>&1) ||
		fail "cannot vendor gazelle's packages; see $cache/vendor.log"
	finish "$part" "$modules"
}

# The folder rules_go would make of a downloaded Go, made of the one that is here.
make_sdk() {
	local part arch
	part=$(scratch "${sdk##*/}")
	arch=$(go env GOHOSTARCH)
	for entry in "$goroot"/*; do
		ln -s "$entry" "$part/${entry##*/}"
	done
	: >"$part/ROOT"
	: >"$part/REPO.bazel"
	local cpu=@platforms//cpu:x86_64
	[ "$arch" = arm64 ] && cpu=@platforms//cpu:aarch64
	sed -e "s|{goos}|linux|g; s|{goarch}|$arch|g; s|{exe}||g; s|{version}|$goversion|g; s|{experiments}|[]|g" \
		-e "s|{exec_compatible_with}|[\"$cpu\", \"@platforms//os:linux\"]|g" \
		"$modules/rules_go/go/private/BUILD.sdk.bazel" >"$part/BUILD.bazel"
	local major minor patch
	IFS=. read -r major minor patch <<<"$goversion"
	printf 'MAJOR_VERSION = "%s"\nMINOR_VERSION = "%s"\nPATCH_VERSION = "%s"\nPRERELEASE_SUFFIX = ""\n' \
		"$major" "$minor" "${patch:-0}" >"$part/version.bzl"
	finish "$part" "$sdk"
}

make_tools() {
	local part
	say "building the image writer and buildozer"
	part=$(scratch "${tools##*/}")
	(cd "$workspace" && CGO_ENABLED=0 GOWORK=off go build -trimpath -buildvcs=false -o "$part/" \
		./platforms/sealed/oci github.com/bazelbuild/buildtools/buildozer >"$cache/tools.log" 2>&1) ||
		fail "cannot build platforms/sealed/oci; see $cache/tools.log"
	finish "$part" "$tools"
}

make_base() {
	local part
	part=$(scratch "${base##*/}")
	"$tools/oci" base -root "$root" -out "$part" || fail "cannot make the base image"
	finish "$part" "$base"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
if ! flock -n 9; then
	say "another bazelw is preparing the sealed build; waiting"
	flock 9
fi

[ "$(id -u)" = 0 ] || fail "the sealed build can be prepared by root only; or install Bazelisk where the internet answers"
[ -e /etc/debian_version ] || fail "the sealed build needs Debian; elsewhere install Bazelisk (https://github.com/bazelbuild/bazelisk)"
for tool in unshare pivot_root; do
	command -v "$tool" >/dev/null || fail "no $tool here: apt-get install util-linux"
done
for module in rules_go gazelle; do
	[ -n "$(version_of $module)" ] || fail "MODULE.bazel names no version of $module"
done
unshare --mount true 2>/dev/null || fail "this machine allows no mount namespace; in a container, add the capability SYS_ADMIN"

find_go
root=$cache/root-$({
	echo "$suite $packages"
	declare -f make_root debian
} | hash_of)
modules=$cache/modules-$({
	version_of rules_go
	version_of gazelle
	declare -f make_modules go_module
} | hash_of)
sdk=$cache/go-$goversion-$({
	echo "$goroot ${modules##*/}"
	declare -f make_sdk
} | hash_of)
tools=$cache/tools-$({
	cat "$here"/oci/*.go
	grep github.com/bazelbuild/buildtools "$workspace/go.mod"
	echo "$goversion"
} | hash_of)
base=$cache/base-$(echo "${root##*/} ${tools##*/}" | hash_of)

[ -e "$root" ] || make_root
if [ "${1:-}" = browser ]; then make_browser; fi
[ -e "$modules" ] || make_modules
[ -e "$sdk" ] || make_sdk
[ -e "$tools" ] || make_tools
[ -e "$base" ] || make_base

# What bazel (beside this script) reads: the parts, and the flags that name them.
# Debian's rules are named by their path on the host, which is the same within
# the tree: "run" starts programs on the host, with files of theirs beside them.
mkdir -p "$cache/registry"
rules=$root/usr/share/bazel
{
	printf 'root=%q\n' "$root"
	printf 'goroot=%q\n' "$goroot"
} >"$cache/parts.part"
cat >"$cache/bazelrc.part" <<RC
common --registry=file://$cache/registry
common --override_module=rules_go=$modules/rules_go
common --override_module=gazelle=$modules/gazelle
common --override_module=bazel_features=$rules/tools/features
common --override_module=bazel_skylib=$rules/tools/skylib
common --override_module=platforms=$rules/tools/platforms
common --override_module=rules_cc=$rules/rules/cc
common --override_module=rules_java=$rules/rules/java
common --override_module=rules_license=$rules/rules/license
common --override_module=rules_proto=$rules/rules/proto
common --override_module=rules_python=$rules/rules/python
common --override_module=rules_shell=$rules/rules/shell
common --override_repository=rules_go~~go_sdk~main___download_0=$sdk
common --repo_env=WAYMARK_SEALED_TOOLS=$tools
common --repo_env=WAYMARK_SEALED_BASE=$base
RC
mv "$cache/parts.part" "$cache/parts"
cmp -s "$cache/bazelrc.part" "$cache/bazelrc" || mv "$cache/bazelrc.part" "$cache/bazelrc"
# Last: bazelw looks for this to know that nothing is left to do.
cat "$here/prepare.sh" "$here"/oci/*.go "$workspace/MODULE.bazel" "$workspace/go.mod" 2>/dev/null | hash_of >"$cache/prepared.part"
mv "$cache/prepared.part" "$cache/prepared"
