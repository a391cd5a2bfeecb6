// Package version names the build. Release builds set both variables at link
// time; every other build stays "dev", so that caches hold.
package version

// Version is the release, for example "0.1.0".
var Version = "dev"

// Commit is the source revision, empty in a development build.
var Commit = ""

// String is the version with its commit, if known.
func String() string {
	if Commit == "" {
		return Version
	}
	return Version + " (" + Commit + ")"
}
