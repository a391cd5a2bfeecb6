// Package walls tests who may import whom. Bazel's visibility says the same
// (the gazelle:default_visibility lines in the BUILD files); this test says it
// to those who build with the go command, and says why.
package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/waymark-gps/waymark"

// A wall stands around the packages below a folder.
type wall struct {
	// around is a folder, or with /* one of its sub-folders and what is below it.
	around string
	// except are folders below around that have a wall of their own.
	except []string
	// ours lists what of this repository may be imported; the folder itself always may.
	ours []string
	// never lists standard packages and modules that must not be imported.
	never []string
	// reason completes the sentence "... because".
	reason string
}

// io lists the packages through which code touches the world.
var io = []string{"database/sql", "log", "log/slog", "net", "net/http", "os", "os/exec", "syscall"}

// drivers lists the modules that speak to a database or the bus.
var drivers = []string{"github.com/jackc/pgx", "github.com/nats-io", "modernc.org/sqlite"}

// beside lists the folders below tracker/protocol that are no protocol.
var beside = []string{"tracker/protocol/all", "tracker/protocol/protocoltest", "tracker/protocol/recording"}

var walls = []wall{
	{
		around: "data", except: []string{"data/wire"},
		never:  slices.Concat(io, drivers),
		reason: "data says what things are, and everything else is built on it",
	},
	{
		around: "data/wire",
		ours:   []string{"data"},
		never:  slices.Concat(io, drivers),
		reason: "data says what things are, and everything else is built on it",
	},
	{
		around: "util/converters", ours: []string{"data"},
		never:  slices.Concat(io, drivers),
		reason: "converters are pure functions",
	},
	{
		around: "util/geo", ours: []string{"data"},
		never:  slices.Concat(io, drivers),
		reason: "geometry is pure functions",
	},
	{
		around: "util", except: []string{"util/converters", "util/geo"},
		ours:   []string{"data", "util"},
		reason: "util is used by every service and knows none",
	},
	{
		around: "tracker/protocol", except: []string{"tracker/protocol/*"},
		ours:   []string{"data", "util/converters"},
		never:  slices.Concat(io, drivers),
		reason: "protocols are bytes in, packets out: no network, clock, log or database",
	},
	{
		around: "tracker/protocol/*", except: beside,
		ours:   []string{"data", "util/converters", "util/geo", "tracker/protocol!", "tracker/protocol/dialect"},
		never:  slices.Concat(io, drivers),
		reason: "a protocol is bytes in, packets out, and knows no other protocol; what two share is a package below tracker/protocol/dialect",
	},
	{
		around: "tracker/transport", ours: []string{"data", "util", "tracker/protocol!"},
		never:  drivers,
		reason: "a transport knows sessions, never a protocol by name, nor what happens to packets",
	},
	{
		around: "tracker", except: []string{"tracker/protocol", "tracker/transport"},
		ours:   []string{"data", "util", "tracker"},
		reason: "services meet on the bus and in the store, not in code",
	},
	{
		around: "web-server", ours: []string{"data", "util", "web-server"},
		reason: "services meet on the bus and in the store, not in code",
	},
	{
		around: "tgram-bot", ours: []string{"data", "util", "tgram-bot"},
		reason: "services meet on the bus and in the store, not in code",
	},
	{
		around: "simulator", ours: []string{"data", "util/converters", "util/geo", "tracker/protocol"},
		never:  drivers,
		reason: "a simulated device knows what a device knows",
	},
	{
		around: "bench", ours: []string{"data", "simulator", "util/storage", "util/version"},
		reason: "figures are taken from outside, as users would, or of the store alone",
	},
}

// covers tells whether folder is around's, and sub-folder tells of "x/*".
func covers(around, folder string) bool {
	if parent, ok := strings.CutSuffix(around, "/*"); ok {
		return strings.HasPrefix(folder, parent+"/")
	}
	return folder == around || strings.HasPrefix(folder, around+"/")
}

// inner is the folder whose own packages may always be imported: around itself,
// or for "x/*" the sub-folder of x.
func inner(around, folder string) string {
	parent, ok := strings.CutSuffix(around, "/*")
	if !ok {
		return around
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(folder, parent+"/"), "/")
	return parent + "/" + name
}

// allowed tells whether code in folder may import path.
func (w wall) allowed(folder, path string) bool {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		if covers(inner(w.around, folder), ours) && !slices.ContainsFunc(w.except, func(e string) bool { return covers(e, ours) }) {
			return true
		}
		return slices.ContainsFunc(w.ours, func(o string) bool {
			if exact, ok := strings.CutSuffix(o, "!"); ok {
				return ours == exact
			}
			return covers(o, ours)
		})
	}
	return !slices.ContainsFunc(w.never, func(n string) bool {
		return path == n || strings.Contains(n, ".") && strings.HasPrefix(path, n+"/")
	})
}

// files calls visit for every Go file of ours but tests, which may reach over a wall.
func files(t *testing.T, root string, visit func(folder, name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != root && (strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "bazel-") ||
			e.Name() == "testdata" || e.Name() == "node_modules" || e.Name() == "external") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(filepath.Dir(rel)), name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// root is the top of the repository: the folder where go.mod really lies. Among
// Bazel's run files it is a link into the repository; the test is tagged
// "external" there, to run every time, as it reads more than its run files.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if mod, err := filepath.EvalSymlinks(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Dir(mod)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	files(t, root(t), func(folder, name string) {
		seen[folder] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, w := range walls {
			if !covers(w.around, folder) || slices.ContainsFunc(w.except, func(e string) bool { return covers(e, folder) }) {
				continue
			}
			for _, spec := range parsed.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Error(err)
				}
				if !w.allowed(folder, path) {
					t.Errorf("%s/%s must not import %s, because %s", folder, filepath.Base(name), path, w.reason)
				}
			}
		}
	})
	// Without sources the test would be content with everything.
	if !seen["data"] {
		t.Error("no Go files of data found: what was tested?")
	}
}

// TestDecodersHaveNoClock looks for time.Now and its kin in the protocols: the
// time of reception is handed to a decoder, so that a frame always means the same.
func TestDecodersHaveNoClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
	files(t, root(t), func(folder, name string) {
		if !covers("tracker/protocol", folder) || covers("tracker/protocol/protocoltest", folder) {
			return
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, s.Sel.Name) {
					t.Errorf("%s/%s:%d uses time.%s; take the time as an argument", folder, filepath.Base(name), set.Position(n.Pos()).Line, s.Sel.Name)
				}
			}
			return true
		})
	})
}

// TestVisibility keeps generated BUILD files from opening a folder by accident.
func TestVisibility(t *testing.T) {
	top := root(t)
	for _, folder := range []string{"data", "util", "tracker", "web-server", "tgram-bot", "simulator", "bench"} {
		err := filepath.WalkDir(filepath.Join(top, folder), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.Name() != "BUILD.bazel" {
				return err
			}
			content, err := os.ReadFile(name)
			if strings.Contains(string(content), "//visibility:public") {
				t.Errorf("%s is open to everybody: delete its //visibility:public and run //:gazelle", strings.TrimPrefix(name, top+"/"))
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
}

func TestAllowed(t *testing.T) {
	byFolder := func(folder string) (found []wall) {
		for _, w := range walls {
			if covers(w.around, folder) && !slices.ContainsFunc(w.except, func(e string) bool { return covers(e, folder) }) {
				found = append(found, w)
			}
		}
		return found
	}
	for _, c := range []struct {
		folder, path string
		want         bool
	}{
		{"data", "time", true},
		{"data", "log/slog", false},
		{"data", module + "/util/geo", false},
		{"data/wire", module + "/data/wire/positionpb", true},
		{"tracker/protocol", module + "/tracker/protocol/gt06", false},
		{"tracker/protocol/gt06", module + "/tracker/protocol", true},
		{"tracker/protocol/gt06", module + "/tracker/protocol/h02", false},
		{"tracker/protocol/gt06", module + "/util/storage", false},
		{"tracker/protocol/gt06", "net", false},
		{"tracker/protocol/gt06", "encoding/binary", true},
		{"tracker/protocol/all", module + "/tracker/protocol/gt06", true},
		{"tracker/transport", module + "/tracker/protocol/gt06", false},
		{"tracker/transport", "net", true},
		{"tracker/tracking", module + "/web-server/api", false},
		{"tracker/tracking", module + "/util/storage", true},
		{"tgram-bot/bot", module + "/tracker/protocol", false},
		{"simulator", "github.com/nats-io/nats.go", false},
		{"util/storage/sqlite", "modernc.org/sqlite", true},
	} {
		got := true
		for _, w := range byFolder(c.folder) {
			got = got && w.allowed(c.folder, c.path)
		}
		if got != c.want {
			t.Errorf("%s imports %s: allowed = %v, want %v", c.folder, c.path, got, c.want)
		}
	}
}
