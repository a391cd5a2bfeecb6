package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The committed code is what the generator writes now.
func TestFresh(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(sources); len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is stale: run go run ./platforms/protogen", name)
		}
	}
}

func TestDeterministic(t *testing.T) {
	first, err := generate(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	second, err := generate(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs from run to run", name)
		}
	}
}
