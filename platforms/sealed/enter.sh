#!/bin/bash
# enter.sh ROOT WORKSPACE CACHE GOROOT COMMAND...
# Runs COMMAND with ROOT as the root of the file system and the host's own
# folders mounted into it. Called by bazel, in a fresh mount namespace.
set -euo pipefail
root=$1 workspace=$2 cache=$3 goroot=$4
shift 4
here=$PWD

mount --bind "$root" "$root"
cd "$root"
pivot_root . .host
cd /

bind() { # PATH: the host's, at the same place
	if [ -d "/.host$1" ]; then
		mkdir -p "$1"
	elif [ -e "/.host$1" ]; then
		[ -e "$1" ] || : >"$1"
	else
		return 0
	fi
	mount --rbind "/.host$1" "$1"
}

# Everything at the top of the host that is not the system itself.
for dir in /.host/*; do
	case ${dir#/.host} in
	/bin | /sbin | /lib* | /usr | /etc | /var | /boot | /lost+found) continue ;;
	esac
	if [ -d "$dir" ] && [ ! -L "$dir" ]; then
		bind "${dir#/.host}"
	fi
done
# And what a build needs of the rest.
for path in /etc/group /etc/hosts /etc/passwd /etc/resolv.conf /etc/ssl /usr/local /var/tmp; do
	bind "$path"
done
for path in "$HOME" "$workspace" "$cache" "$goroot"; do
	[ -e "$path" ] || bind "$path"
done

umount -l /.host
cd "$here"
export PATH=/usr/bin:/bin:/usr/sbin:/sbin JAVA_HOME=/usr/lib/jvm/default-java
export DOCKER_HOST=${DOCKER_HOST:-unix:///run/docker.sock}
exec "$@"
