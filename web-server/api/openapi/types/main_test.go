package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/web-server/api/openapi"
)

// TestTypesAreFresh compares the page's types with the document. Under Bazel it
// needs web-server/ui/src/schema.d.ts as data.
func TestTypesAreFresh(t *testing.T) {
	d, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.FromSlash("../../../ui/src/schema.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if want := typescript(d); string(have) != want {
		t.Error("web-server/ui/src/schema.d.ts is stale; run: go run ./web-server/api/openapi/types")
	}
}

func TestTypescript(t *testing.T) {
	d, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	text := typescript(d)
	for _, want := range []string{
		"export type OptionalTime = string | null\n",
		"export type GroupInput = Partial<Group>\n",
		"  status: 'online' | 'offline' | 'unknown'\n",
		"  network: Network | null\n",
		"  geofenceIds: number[] | null\n",
		"  segments: number[][][] // Ways without a gap.\n",
		"  attributes: Record<string, boolean | number | string> // ",
		"  frames: { hex: string; text: string }[] // ",
		"  token?: string // ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
}
