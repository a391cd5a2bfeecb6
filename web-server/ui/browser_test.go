package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/waymark-gps/waymark/web-server/ui"
	"github.com/waymark-gps/waymark/web-server/ui/internal/bundle"
)

var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// browser starts one Chromium for a test, or skips the test without one.
func browser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds; -short leaves it out")
	}
	binary := ""
	for _, name := range browsers {
		if p, err := exec.LookPath(name); err == nil {
			binary = p
			break
		}
	}
	if binary == "" {
		const say = "no Chromium in PATH: install the package chromium to run the browser tests"
		if os.Getenv("WAYMARK_REQUIRE_CHROMIUM") == "1" {
			t.Fatal(say)
		}
		t.Skip(say)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("enable-unsafe-swiftshader", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-GB"),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800),
	)
	opts = append(opts, flags...)
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancelAlloc)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // Waits until the browser is gone.
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", binary, err)
	}
	return ctx
}

// tab is the page under test. What it complains about fails the test.
type tab struct {
	*testing.T
	ctx context.Context
	url string

	mu   sync.Mutex
	said []string
}

func newTab(t *testing.T, ctx context.Context, url string) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx, url: url}
	var done sync.WaitGroup
	messages := chromedp.Console(ctx)
	done.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			// The browser reports every answer above 399; the API's are part of the game.
			if m.Source == "network" && strings.Contains(m.URL, "/api/") || strings.Contains(m.Text, "/api/socket") {
				continue
			}
			if m.IsException() || m.Type == chromedp.ConsoleError || m.Source == "security" || strings.Contains(m.Text, "Content Security Policy") {
				b.mu.Lock()
				b.said = append(b.said, fmt.Sprintf("%s (%s) at %s:%d", m, m.Source, m.URL, m.Line))
				b.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		if t.Failed() {
			b.shot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
			t.Logf("page: %s", js[string](b, `location.pathname + ' ' + document.body.innerText.slice(0, 600)`))
		}
		cancel()
		done.Wait()
		for _, s := range b.said {
			t.Errorf("the page says: %s", s)
		}
	})
	return b
}

func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

func (b *tab) open(path string) {
	b.Helper()
	b.do("open "+path, chromedp.Navigate(b.url+path))
}

func js[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.Errorf("evaluate %s: %v", expression, err)
	}
	return v
}

// until asks again and again: the page says when it is ready, no clock does.
func (b *tab) until(expression string) {
	b.Helper()
	deadline := time.Now().Add(45 * time.Second)
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("never true: %s (%v)", expression, err)
		}
		select {
		case <-b.ctx.Done():
			b.Fatalf("waiting for %s: %v", expression, b.ctx.Err())
		case <-tick.C:
		}
	}
}

func (b *tab) see(selector string) {
	b.Helper()
	b.until(fmt.Sprintf("document.querySelector(%q)", selector))
}

func (b *tab) seeText(text string) {
	b.Helper()
	b.until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

func (b *tab) click(selector string) {
	b.Helper()
	b.see(selector)
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) clickText(tag, text string) {
	b.Helper()
	find := fmt.Sprintf("[...document.querySelectorAll(%q)].find((e) => e.innerText.trim() === %q)", tag, text)
	b.until(find)
	js[bool](b, find+".click(), true")
}

func (b *tab) fill(selector, text string) {
	b.Helper()
	b.see(selector)
	js[bool](b, fmt.Sprintf("document.querySelector(%q).select(), true", selector))
	if text == "" {
		text = kb.Backspace
	}
	b.do("fill "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (b *tab) keys(keys string) {
	b.Helper()
	b.do("press "+keys, chromedp.KeyEvent(keys))
}

func (b *tab) login() {
	b.Helper()
	b.fill("#email", "anna@example.org")
	b.fill("#password", "correct horse")
	b.click("button[type=submit]")
}

// press types one printable key as a keyboard does: what the page cancels does
// not reach a field.
func (b *tab) press(key string) {
	b.Helper()
	b.do("press "+key, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
		return chromedp.Void{}, err
	})
}

// mapReady waits until the map has drawn what it knows.
func (b *tab) mapReady() {
	b.Helper()
	b.see("#map[data-ready=map]")
	b.until("window.__waymark?.map.loaded() && window.__waymark.map.areTilesLoaded()")
}

// drawn is true when the map shows the device in a layer.
func (b *tab) drawn(layer string, id int) {
	b.Helper()
	b.until(fmt.Sprintf("window.__waymark.map.queryRenderedFeatures({layers: [%q]}).some((f) => f.properties.id === %d)", layer, id))
}

func (b *tab) size(width, height int64, mobile bool) {
	b.Helper()
	b.do("size", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1, Mobile: mobile,
		})
		return chromedp.Void{}, err
	})
}

// shot leaves a picture for people in the folder WAYMARK_SHOTS names.
func (b *tab) shot(name string) {
	dir := os.Getenv("WAYMARK_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(dir+"/"+name+".png", png, 0o644)
	}
	if err != nil {
		b.Logf("screenshot %s: %v", name, err)
	}
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
