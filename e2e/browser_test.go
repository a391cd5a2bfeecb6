package e2e

import (
	"fmt"
	"testing"

	"github.com/waymark-gps/waymark/web-server/ui/browsertest"
)

// TestBrowser is a newcomer's first minute: the demo is started, the page
// opened, and devices move. With WAYMARK_SHOTS it leaves pictures.
func TestBrowser(t *testing.T) {
	ctx := browsertest.Browser(t)
	p := start(t, waymark(t), "serve", "--demo", "--data-dir", t.TempDir(), "--web.listen", "127.0.0.1:0", "--tracker.ports", "gt06=0,teltonika=0,osmand=0,*=off")
	web := p.await(`Open (http://\S+)`)[1]
	login := p.await(`Sign in with (\S+) / (\S+)`)
	awaitReady(t, web)
	b := browsertest.NewTab(t, ctx, web)
	b.Size(1440, 900, false)
	b.Open("/")
	b.Fill("#email", login[1])
	b.Fill("#password", login[2])
	b.Click("button[type=submit]")
	b.Until("document.querySelectorAll('[data-device]').length >= 9")
	b.See("[data-device][data-state=moving]")
	b.See("#map[data-ready=map]")
	b.Until("document.querySelector('#map canvas').width > 0")

	// The card of a moving device tells a new place again and again.
	b.Click("[data-device][data-state=moving]")
	b.See("[data-card]")
	const text = "document.querySelector('[data-card]').innerText"
	first := browsertest.JS[string](b, text)
	b.Until(fmt.Sprintf("%s !== %q", text, first))
	b.Shot("demo-card")

	// The history of the day is there as well.
	id := browsertest.JS[string](b, "document.querySelector('[data-card]').dataset.card")
	today := browsertest.JS[string](b, "new Date().toLocaleDateString('sv')")
	b.Open("/history/" + id + "/" + today)
	b.SeeText("Top speed")
	b.See("#map[data-ready=map]")
	b.Shot("demo-history")
}
