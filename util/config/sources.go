package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const (
	// prefix of all variables.
	prefix = "WAYMARK_"
	// fileFlag names the file, on the command line and in the environment.
	fileFlag = "config"
	// maxSecret and maxFile bound files, in bytes.
	maxSecret = 64 << 10
	maxFile   = 1 << 20
)

// notSettings are variables of the build and the tests. A trailing star stands
// for any ending.
var notSettings = []string{"WAYMARK_SEALED", "WAYMARK_FRAMES", "WAYMARK_TEST_*", "WAYMARK_REQUIRE_*"}

func isSetting(name string) bool {
	if !strings.HasPrefix(name, prefix) || name == variable(fileFlag) {
		return false
	}
	return !slices.ContainsFunc(notSettings, func(pattern string) bool {
		start, any := strings.CutSuffix(pattern, "*")
		return name == start || any && strings.HasPrefix(name, start)
	})
}

// environ reads the environment. An empty variable counts as set.
func (l *loader) environ(environ []string) layer {
	byName := map[string]*leaf{}
	for _, leaf := range l.leaves {
		byName[variable(leaf.key)] = leaf
	}
	out := layer{}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !isSetting(name) {
			continue
		}
		origin := "env " + name
		leaf, ok := byName[name]
		if !ok {
			if !slices.ContainsFunc(l.others, func(section string) bool { return strings.HasPrefix(name, variable(section)+"_") }) {
				l.unknown(origin, name, nearest(name, byName))
			}
			continue
		}
		value, err := leaf.parse(text)
		if err != nil {
			l.problem(origin, "%v", err)
			continue
		}
		out[leaf.key] = setting{value, origin}
	}
	return out
}

// flags reads the flags that were given.
func (l *loader) flags(set *pflag.FlagSet) layer {
	out := layer{}
	if set == nil {
		return out
	}
	set.Visit(func(f *pflag.Flag) {
		leaf, ok := l.leaves[f.Name]
		if !ok {
			return // of the program itself
		}
		origin := "flag --" + f.Name
		value, err := leaf.parse(f.Value.String())
		if err != nil {
			l.problem(origin, "%v", err)
			return
		}
		out[f.Name] = setting{value, origin}
	})
	return out
}

// path is the file to read, "" for none.
func (s Source) path() string {
	if s.File != "" {
		return s.File
	}
	if s.Flags != nil {
		if f := s.Flags.Lookup(fileFlag); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	for _, entry := range s.Environ {
		if path, ok := strings.CutPrefix(entry, variable(fileFlag)+"="); ok {
			return path
		}
	}
	return ""
}

// readLimited reads a file of at most max bytes.
func readLimited(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("file %s does not exist", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > max {
		return nil, fmt.Errorf("file %s is larger than %d bytes", path, max)
	}
	return b, nil
}
