package ui_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/web-server/ui/internal/bundle"
)

// source is the folder of this package. Under Bazel the test needs src/**,
// vendor/**, dist/** and package.json as data.
func source() fs.FS { return os.DirFS(".") }

func TestDistIsFresh(t *testing.T) {
	want, err := bundle.Build(source(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const cure = "run: go run ./web-server/ui/build"
	left := map[string]bool{}
	for name, content := range want {
		for _, form := range bundle.Forms(name, len(content)) {
			left[form] = true
		}
	}
	err = fs.WalkDir(source(), "dist", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(source(), file)
		if err != nil {
			return err
		}
		form := strings.TrimPrefix(file, "dist/")
		name, plain, err := bundle.Unpack(form, b) // how well a version packs is of no matter
		if err != nil {
			return err
		}
		switch ours := strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".html"); {
		case !left[form]:
			t.Errorf("%s is left over; %s", file, cure)
		case !bytes.Equal(plain, want[name]):
			t.Errorf("%s is stale; %s", file, cure)
		case ours && bytes.Contains(plain, []byte("__waymark")):
			t.Errorf("%s holds the test hook", file)
		}
		delete(left, form)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for form := range left {
		t.Errorf("dist/%s is missing; %s", form, cure)
	}
}

// TestSize holds the budget: what everybody downloads, and what we embed.
func TestSize(t *testing.T) {
	files, err := bundle.Build(source(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	total, js, css := 0, 0, 0
	for name, b := range files {
		for _, form := range bundle.Forms(name, len(b)) {
			info, err := fs.Stat(source(), "dist/"+form)
			if err != nil {
				t.Fatal(err)
			}
			total += int(info.Size())
		}
		switch path.Ext(name) {
		case ".js":
			js += packed(t, b)
		case ".css":
			if !strings.Contains(name, "maplibre") {
				css += packed(t, b)
			}
		}
	}
	t.Logf("own script %d, own style %d bytes packed; %d embedded", js, css, total)
	for _, c := range []struct {
		what      string
		have, max int
	}{{"own script (packed)", js, 60_000}, {"own style (packed)", css, 15_000}, {"embedded", total, 1_800_000}} {
		if c.have > c.max {
			t.Errorf("%s: %d bytes, budget %d", c.what, c.have, c.max)
		}
	}
}

func packed(t *testing.T, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

func TestVendoredVersions(t *testing.T) {
	libs, err := bundle.Libraries(source())
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(source(), "package.json")
	if err != nil {
		t.Fatal(err)
	}
	var pkg struct{ DevDependencies map[string]string }
	if err := json.Unmarshal(b, &pkg); err != nil {
		t.Fatal(err)
	}
	for _, l := range libs {
		if got := pkg.DevDependencies[l.Name]; got != l.Version {
			t.Errorf("vendor/ has %s %s, package.json %q: types and code would differ", l.Name, l.Version, got)
		}
	}
}

// TestCatalogues: every language has every key, with the same placeholders, and
// every key is used.
func TestCatalogues(t *testing.T) {
	read := func(lang string) map[string]string {
		b, err := fs.ReadFile(source(), "src/i18n/"+lang+".json")
		if err != nil {
			t.Fatal(err)
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(b, &raw); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for k, v := range raw {
			out[k] = string(v)
		}
		return out
	}
	en, de := read("en"), read("de")
	placeholder := regexp.MustCompile(`\{\w+\}`)
	for k, text := range en {
		other, ok := de[k]
		if !ok {
			t.Errorf("%s is missing in German", k)
			continue
		}
		a, b := placeholder.FindAllString(text, -1), placeholder.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: placeholders %v and %v", k, a, b)
		}
	}
	for k := range de {
		if _, ok := en[k]; !ok {
			t.Errorf("%s is missing in English", k)
		}
	}
	var code strings.Builder
	err := fs.WalkDir(source(), "src", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".ts") && !strings.HasSuffix(name, ".tsx") {
			return err
		}
		b, err := fs.ReadFile(source(), name)
		code.Write(b)
		if n := bytes.Count(b, []byte("\n")); n >= 400 && name != "src/schema.d.ts" { // made, not written
			t.Errorf("%s has %d lines; split it", name, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for k := range en {
		if !strings.HasPrefix(k, "state.") && !strings.Contains(code.String(), "'"+k+"'") {
			t.Errorf("%s is never used", k)
		}
	}
}
