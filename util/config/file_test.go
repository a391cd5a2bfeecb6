package config

import (
	"os"
	"path/filepath"
	"testing"
)

func FuzzFile(f *testing.F) {
	f.Add("web: {listen: x, limits: {idle: 1s}}")
	f.Add("web: &a\n  limits: *a\n<<: *a\n? [x]\n: y\n")
	path := filepath.Join(f.TempDir(), "waymark.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		have := defaults()
		e, err := Load(&have, Source{File: path})
		if err == nil && e.String() == "" || err != nil && err.Error() == "" {
			t.Fatal("neither settings nor an error")
		}
	})
}
