package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/waymark-gps/waymark/web-server/ui"
	"github.com/waymark-gps/waymark/web-server/ui/browsertest"
	"github.com/waymark-gps/waymark/web-server/ui/internal/bundle"
)

// tab is the page under test, with what these tests know about it.
type tab struct{ *browsertest.Tab }

func newTab(t *testing.T, ctx context.Context, url string) *tab {
	return &tab{browsertest.NewTab(t, ctx, url)}
}

func js[T any](b *tab, expression string) T {
	b.Helper()
	return browsertest.JS[T](b.Tab, expression)
}

func (b *tab) login() {
	b.Helper()
	b.Fill("#email", "anna@example.org")
	b.Fill("#password", "correct horse")
	b.Click("button[type=submit]")
}

// mapReady waits until the map has drawn what it knows.
func (b *tab) mapReady() {
	b.Helper()
	b.See("#map[data-ready=map]")
	b.Until("window.__waymark?.map.loaded() && window.__waymark.map.areTilesLoaded()")
}

// drawn is true when the map shows the device in a layer.
func (b *tab) drawn(layer string, id int) {
	b.Helper()
	b.Until(fmt.Sprintf("window.__waymark.map.queryRenderedFeatures({layers: [%q]}).some((f) => f.properties.id === %d)", layer, id))
}

// shot leaves a picture for people, and checks its accessibility.
func (b *tab) shot(name string) {
	b.Shot(name)
	if !strings.HasPrefix(name, "failed-") {
		b.audit(name)
	}
}

var testPage = sync.OnceValues(func() (http.Handler, error) {
	files, err := bundle.Build(source(), bundle.Options{Test: true})
	if err != nil {
		return nil, err
	}
	return ui.NewHandler(files), nil
})

// withHook serves the page compiled with window.__waymark.
func withHook(t *testing.T) http.Handler {
	t.Helper()
	h, err := testPage()
	if err != nil {
		t.Fatal(err)
	}
	return h
}
