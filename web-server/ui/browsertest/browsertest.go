// Package browsertest drives a real browser in tests: it types and clicks as
// people do, waits for what they would see, and fails the test when the page
// complains.
package browsertest

import (
	"context"
	"fmt"
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
)

var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// Browser starts one Chromium for a test, or skips the test without one.
func Browser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
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
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(2*time.Minute), chromedp.WindowSize(1280, 800),
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

// Tab is the page under test. What it complains about fails the test.
type Tab struct {
	*testing.T
	// Context is the browser's, for actions that Tab has not.
	Context context.Context
	url     string

	mu   sync.Mutex
	said []string
}

// NewTab watches the page of a browser, for a server at url.
func NewTab(t *testing.T, ctx context.Context, url string) *Tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(cancel)
	b := &Tab{T: t, Context: ctx, url: url}
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
			b.Shot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
			t.Logf("page: %s", JS[string](b, `location.pathname + ' ' + document.body.innerText.slice(0, 600)`))
		}
		cancel()
		done.Wait()
		for _, s := range b.said {
			t.Errorf("the page says: %s", s)
		}
	})
	return b
}

// Do runs actions; what says what they are for.
func (b *Tab) Do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.Context, actions...); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

// Open goes to a path.
func (b *Tab) Open(path string) {
	b.Helper()
	b.Do("open "+path, chromedp.Navigate(b.url+path))
}

// JS evaluates an expression in the page.
func JS[T any](b *Tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.Context, chromedp.Evaluate[T](expression))
	if err != nil {
		b.Errorf("evaluate %s: %v", expression, err)
	}
	return v
}

// Until asks again and again: the page says when it is ready, no clock does.
func (b *Tab) Until(expression string) {
	b.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(b.Context, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("never true: %s (%v)", expression, err)
		}
		select {
		case <-b.Context.Done():
			b.Fatalf("waiting for %s: %v", expression, b.Context.Err())
		case <-tick.C:
		}
	}
}

// See waits for an element.
func (b *Tab) See(selector string) {
	b.Helper()
	b.Until(fmt.Sprintf("document.querySelector(%q)", selector))
}

// SeeText waits for a text.
func (b *Tab) SeeText(text string) {
	b.Helper()
	b.Until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// Click clicks an element as a mouse does.
func (b *Tab) Click(selector string) {
	b.Helper()
	b.See(selector)
	b.Do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// ClickText clicks the element of a kind that has this text.
func (b *Tab) ClickText(tag, text string) {
	b.Helper()
	find := fmt.Sprintf("[...document.querySelectorAll(%q)].find((e) => e.innerText.trim() === %q)", tag, text)
	b.Until(find)
	JS[bool](b, find+".click(), true")
}

// Fill replaces what a field holds.
func (b *Tab) Fill(selector, text string) {
	b.Helper()
	b.See(selector)
	JS[bool](b, fmt.Sprintf("document.querySelector(%q).select(), true", selector))
	if text == "" {
		text = kb.Backspace
	}
	b.Do("fill "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Keys types keys.
func (b *Tab) Keys(keys string) {
	b.Helper()
	b.Do("press "+keys, chromedp.KeyEvent(keys))
}

// Press types one printable key as a keyboard does: what the page cancels does
// not reach a field.
func (b *Tab) Press(key string) {
	b.Helper()
	b.Do("press "+key, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
		return chromedp.Void{}, err
	})
}

// Size changes the size of the window.
func (b *Tab) Size(width, height int64, mobile bool) {
	b.Helper()
	b.Do("size", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1, Mobile: mobile,
		})
		return chromedp.Void{}, err
	})
}

// Shot leaves a picture for people in the folder WAYMARK_SHOTS names.
func (b *Tab) Shot(name string) {
	dir := os.Getenv("WAYMARK_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.Context, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(dir+"/"+name+".png", png, 0o644)
	}
	if err != nil {
		b.Logf("screenshot %s: %v", name, err)
	}
}
