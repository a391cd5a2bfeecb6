package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Library is one entry of vendor/VERSIONS.json.
type Library struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Licence string            `json:"licence"`
	Dir     string            `json:"dir"`
	Files   map[string]string `json:"files"` // name in dir -> sha256, hexadecimal
}

// wanted says which files of which package we carry: source -> name in vendor/.
var wanted = []struct {
	name, dir string
	files     map[string]string
}{
	{"maplibre-gl", "maplibre-gl", map[string]string{
		"dist/maplibre-gl.mjs": "maplibre-gl.mjs", "dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
		"dist/maplibre-gl.css": "maplibre-gl.css", "LICENSE.txt": "LICENSE",
	}},
	{"preact", "preact", map[string]string{
		"dist/preact.mjs": "preact.mjs", "hooks/dist/hooks.mjs": "hooks.mjs",
		"jsx-runtime/dist/jsxRuntime.mjs": "jsxRuntime.mjs", "LICENSE": "LICENSE",
	}},
	{"@preact/signals", "preact-signals", map[string]string{"dist/signals.mjs": "signals.mjs", "LICENSE": "LICENSE"}},
	{"@preact/signals-core", "preact-signals-core", map[string]string{"dist/signals-core.mjs": "signals-core.mjs", "LICENSE": "LICENSE"}},
	{"world-atlas", "world-atlas", map[string]string{"countries-50m.json": "countries-50m.json", "LICENSE": "LICENSE"}},
}

// Vendor copies the wanted files from node_modules (which `npm ci` filled and
// checked against package-lock.json) to vendor/ and writes VERSIONS.json.
func Vendor(root string) error {
	var libs []Library
	for _, w := range wanted {
		from := filepath.Join(root, "node_modules", filepath.FromSlash(w.name))
		var meta struct{ Version, License string }
		b, err := os.ReadFile(filepath.Join(from, "package.json"))
		if err != nil {
			return fmt.Errorf("read package (run npm ci first): %w", err)
		}
		if err := json.Unmarshal(b, &meta); err != nil {
			return fmt.Errorf("read package of %s: %w", w.name, err)
		}
		to := filepath.Join(root, "vendor", w.dir)
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		lib := Library{Name: w.name, Version: meta.Version, Licence: meta.License, Dir: w.dir, Files: map[string]string{}}
		for src, dst := range w.files {
			b, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(src)))
			if err != nil {
				return fmt.Errorf("read %s: %w", w.name, err)
			}
			if err := os.WriteFile(filepath.Join(to, dst), b, 0o644); err != nil {
				return err
			}
			lib.Files[dst] = sum(b)
		}
		libs = append(libs, lib)
	}
	b, err := json.MarshalIndent(libs, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "vendor", "VERSIONS.json"), append(b, '\n'), 0o644)
}

// Libraries reads vendor/VERSIONS.json and checks every file against its hash.
func Libraries(fsys fs.FS) ([]Library, error) {
	b, err := fs.ReadFile(fsys, "vendor/VERSIONS.json")
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	var libs []Library
	if err := json.Unmarshal(b, &libs); err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	for _, l := range libs {
		for name, want := range l.Files {
			b, err := fs.ReadFile(fsys, path.Join("vendor", l.Dir, name))
			if err != nil {
				return nil, fmt.Errorf("read %s %s: %w", l.Name, l.Version, err)
			}
			if sum(b) != want {
				return nil, fmt.Errorf("vendor/%s/%s differs from its hash in VERSIONS.json", l.Dir, name)
			}
		}
	}
	return libs, nil
}

func licenceTexts(fsys fs.FS) ([]byte, error) {
	libs, err := Libraries(fsys)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("Third-party software and data in this page\n")
	for _, l := range libs {
		text, err := fs.ReadFile(fsys, path.Join("vendor", l.Dir, "LICENSE"))
		if err != nil {
			return nil, fmt.Errorf("read licence of %s: %w", l.Name, err)
		}
		fmt.Fprintf(&out, "\n==== %s %s (%s) ====\n\n%s\n", l.Name, l.Version, l.Licence, bytes.TrimSpace(text))
	}
	out.WriteString("\nMap data: Natural Earth, public domain.\n")
	return out.Bytes(), nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
