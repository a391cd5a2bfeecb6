package ui_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/waymark-gps/waymark/web-server/ui"
	"github.com/waymark-gps/waymark/web-server/ui/browsertest"
)

// The page as shipped: first administrator, onboarding, an unknown device is
// registered and sends its first fix, sign out, sign in again.
func TestFirstRun(t *testing.T) {
	ctx := browsertest.Browser(t)
	f := newFake(t, ui.Handler())
	b := newTab(t, ctx, f.URL)
	b.Open("/")
	b.SeeText("Create the administrator")
	b.Fill("#name", "Anna")
	b.login()
	b.SeeText("Connect your first device")
	b.SeeText("127.0.0.1:5027")

	f.mu.Lock()
	f.unknown = append(f.unknown, object{
		"uniqueId": "352093081452251", "protocol": "gt06", "address": "203.0.113.9:40312", "firstSeen": time.Now().Format(dateFormat),
		"lastSeen": time.Now().Format(dateFormat), "count": 3, "lastFrame": "78780d01035209308145225100018cdd0d0a",
	})
	f.mu.Unlock()
	b.See("[data-unknown='352093081452251']")
	b.ClickText("button", "Register")
	b.Fill("dialog input[name=name]", "Anna’s bike")
	b.Click("dialog button[type=submit]")
	b.See("[data-card]")
	b.SeeText("Never connected")

	f.mu.Lock()
	id := f.devices[0]["id"].(int)
	f.mu.Unlock()
	f.move(id, fix{lat: 52.52, lon: 13.405, kmh: 18, course: 80, at: time.Now(), attributes: object{"batteryLevel": 71}})
	b.Until(`document.querySelector('.pill-moving') && document.querySelector('.tile-value').innerText.startsWith('18')`)

	b.Click("[data-nav=settings]")
	b.Click("[data-action=logout]")
	b.SeeText("Sign in")
	b.Until("location.pathname === '/settings'")
	b.Fill("#email", "anna@example.org")
	b.Fill("#password", "wrong")
	b.Click("button[type=submit]")
	b.SeeText("Email or password is wrong.")
	b.login()
	b.See("[data-action=logout]")
}

func fleet(f *fake, n int) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addUser("Anna Berg", "anna@example.org", "correct horse")
	var ids []int
	for i := range n {
		d := f.addDevice(fmt.Sprintf("Truck %d", i+1), fmt.Sprintf("35209308145%04d", i))
		id := d["id"].(int)
		ids = append(ids, id)
		f.position(id, fix{lat: 52.50 + 0.02*float64(i), lon: 13.38 + 0.03*float64(i), at: time.Now().Add(-time.Minute), attributes: object{"batteryLevel": 80}})
	}
	return ids
}

// Devices appear in the list and on the map, one moves by the socket, the
// filter and the keyboard work, the socket comes back after a cut.
func TestLiveMap(t *testing.T) {
	ctx := browsertest.Browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 4)
	b := newTab(t, ctx, f.URL)
	b.Open("/map")
	b.login()
	b.mapReady()
	for _, id := range ids {
		b.See(fmt.Sprintf("[data-device='%d']", id))
		b.drawn("devices", id)
	}
	f.move(ids[1], fix{lat: 52.53, lon: 13.42, kmh: 54, course: 45, at: time.Now(), attributes: object{"motion": true}})
	b.See(fmt.Sprintf("[data-device='%d'][data-state=moving]", ids[1]))
	b.SeeText("54 km/h")
	b.Until(fmt.Sprintf(`window.__waymark.map.queryRenderedFeatures({layers: ['devices']}).some((f) => f.properties.id === %d && f.properties.state === 'moving' && Math.abs(f.geometry.coordinates[0] - 13.42) < 0.001)`, ids[1]))

	b.Click("[data-state=moving].chip")
	b.Until("document.querySelectorAll('[data-device]').length === 1")
	b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['devices']}).length === 1")
	b.Click("[data-state=moving].chip")
	b.Until("document.querySelectorAll('[data-device]').length === 4")

	// Keyboard: second row, open, follow, close.
	b.Keys("jj")
	b.See(fmt.Sprintf(".row.current[data-device='%d']", ids[1]))
	b.Keys(kb.Enter)
	b.See(fmt.Sprintf("[data-card='%d']", ids[1]))
	b.Until(fmt.Sprintf("location.search.includes('d=%d')", ids[1]))
	b.drawn("selected", ids[1])
	b.Keys("f")
	b.See(".follow-chip")
	f.move(ids[1], fix{lat: 52.56, lon: 13.46, kmh: 60, course: 45, at: time.Now(), attributes: object{"motion": true}})
	b.Until("Math.abs(window.__waymark.map.getCenter().lng - 13.46) < 0.002")
	b.Keys(kb.Escape)
	b.Until("!document.querySelector('.follow-chip')")
	b.Do("back", chromedp.NavigateBack())
	b.See("[data-device]")
	b.Keys("?")
	b.See("dialog[open]")
	b.Keys(kb.Escape)
	b.Until("!document.querySelector('dialog[open]')")
	b.Press("/")
	b.Until("document.activeElement.type === 'search'")
	b.Keys("truck 3")
	b.Until("document.querySelectorAll('[data-device]').length === 1")
	b.Fill("input[type=search]", "")

	f.cut()
	b.See(".banner")
	f.mu.Lock()
	late := f.addDevice("Late van", "990000000000001")["id"].(int)
	f.mu.Unlock()
	b.Until("!document.querySelector('.banner')")
	b.See(fmt.Sprintf("[data-device='%d']", late))

	// A device the page has not heard of speaks: it is fetched.
	f.mu.Lock()
	news := f.addDevice("New van", "990000000000002")["id"].(int)
	f.mu.Unlock()
	f.move(news, fix{lat: 52.51, lon: 13.5, kmh: 30, at: time.Now()})
	b.See(fmt.Sprintf("[data-device='%d'][data-state=moving]", news))

	// The session ends elsewhere: back to the login page.
	f.mu.Lock()
	clear(f.sessions)
	f.mu.Unlock()
	f.cut()
	b.See("#password")
}

func TestHistory(t *testing.T) {
	ctx := browsertest.Browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 2)
	id := ids[0]
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.Local)
	f.mu.Lock()
	d := newDriver(3, 52.5, 13.38, noon)
	for range 240 {
		f.position(id, d.step(15*time.Second))
	}
	f.mu.Unlock()
	b := newTab(t, ctx, f.URL)
	b.Open("/history")
	b.login()
	b.Click(fmt.Sprintf("[data-device='%d']", id))
	b.Until(fmt.Sprintf("location.pathname === '/history/%d'", id))
	b.See(".totals[data-points='1']")
	b.Open(fmt.Sprintf("/history/%d/2026-03-14", id))
	b.See(".totals[data-points='240']")
	b.mapReady()
	b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['route']}).length > 0")
	b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['cursor']}).length === 1")
	before := js[float64](b, "Number(document.querySelector('.scrub').dataset.time)")
	b.Click(".player .primary")
	b.See("[data-playing]")
	b.Until(fmt.Sprintf("Number(document.querySelector('.scrub').dataset.time) > %.0f + 60_000", before))
	b.Click(".player .primary")
	at := js[float64](b, "Number(document.querySelector('.scrub').dataset.time)")
	b.Keys("]")
	b.Until(fmt.Sprintf("Number(document.querySelector('.scrub').dataset.time) >= %.0f + 59_000", at))
	b.Click("[aria-label='Previous day']")
	b.Until(fmt.Sprintf("location.pathname === '/history/%d/2026-03-13'", id))
	b.SeeText("Nothing was recorded on this day.")
	b.Do("back", chromedp.NavigateBack())
	b.See(".totals[data-points='240']")
}

func TestDevicesAndSettings(t *testing.T) {
	ctx := browsertest.Browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 2)
	b := newTab(t, ctx, f.URL)
	b.Open("/devices")
	b.login()
	b.SeeText("Nothing unknown has reported.")
	b.ClickText("button", "Add device")
	b.Fill("dialog input[name=name]", `<img src=x onerror="alert(1)">`)
	b.Fill("dialog input[name=uniqueId]", "352093081450000")
	b.Click("dialog button[type=submit]")
	b.SeeText("device with this identifier exists")
	b.Fill("dialog input[name=uniqueId]", "4711")
	b.Click("dialog button[type=submit]")
	b.Until("!document.querySelector('dialog')")
	b.Until(`[...document.querySelectorAll('.managed-name')].some((e) => e.textContent.startsWith('<img'))`)
	b.Click(fmt.Sprintf("[data-managed='%d'] button[aria-label^=Rename]", ids[0]))
	b.Fill("dialog input[name=name]", "Renamed")
	b.Click("dialog button[type=submit]")
	b.Until(fmt.Sprintf(`document.querySelector("[data-managed='%d'] .managed-name").textContent === 'Renamed'`, ids[0]))
	b.Click(fmt.Sprintf("[data-managed='%d'] button[aria-label^=Delete]", ids[0]))
	b.Click("dialog button.danger")
	b.Until(fmt.Sprintf(`!document.querySelector("[data-managed='%d']")`, ids[0]))

	b.Click("[data-nav=settings]")
	f.mu.Lock()
	f.botOff = true
	f.mu.Unlock()
	b.ClickText("button", "Connect Telegram")
	b.SeeText("the Telegram bot is not configured")
	f.mu.Lock()
	f.botOff = false
	f.mu.Unlock()
	b.ClickText("button", "Connect Telegram")
	b.See("a[href='https://t.me/waymark_bot?start=ABCD2345']")
	b.SeeText("ABCD2345")
	f.mu.Lock()
	f.telegram = object{"connected": true, "name": "@anna"}
	f.mu.Unlock()
	b.See("[data-telegram=on]")
	b.ClickText("button", "Disconnect")
	b.See("[data-telegram=off]")
	b.Do("theme", chromedp.SetValue(chromedp.ID("theme"), "dark"))
	js[bool](b, "document.querySelector('#theme').dispatchEvent(new Event('change', {bubbles: true}))")
	b.See("html[data-theme=dark]")
	js[bool](b, "document.querySelector('#lang').value = 'de', document.querySelector('#lang').dispatchEvent(new Event('change', {bubbles: true}))")
	b.See("html[lang=de]")
	b.SeeText("Abmelden")
}

// Without WebGL the rest of the page works.
func TestNoWebGL(t *testing.T) {
	ctx := browsertest.Browser(t, chromedp.Flag("disable-3d-apis", true))
	f := newFake(t, ui.Handler())
	ids := fleet(f, 2)
	b := newTab(t, ctx, f.URL)
	b.Open("/map")
	b.login()
	b.SeeText("The map cannot be drawn")
	b.Click(fmt.Sprintf("[data-device='%d']", ids[0]))
	b.See("[data-card]")
	b.Until("document.querySelector('.card').getAnimations().length === 0")
	b.shot("no-webgl")
}

// On a phone the panel is a sheet that can be dragged, and tabs lie below.
func TestPhone(t *testing.T) {
	ctx := browsertest.Browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 3)
	b := newTab(t, ctx, f.URL)
	b.Size(390, 844, true)
	b.Open("/map")
	b.login()
	b.mapReady()
	b.See(".sheet-half")
	drag := func(from, to float64) {
		b.Do("drag", chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, 195, from, chromedp.ButtonLeft, chromedp.ClickCount(1)),
			chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 195, (from+to)/2, chromedp.ButtonLeft),
			chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 195, to, chromedp.ButtonLeft),
			chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, 195, to, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	top := func() float64 {
		return js[float64](b, "document.querySelector('.sheet-grip').getBoundingClientRect().top + 12")
	}
	drag(top(), 60)
	b.See(".sheet-full")
	b.Until("document.querySelector('.sheet').getAnimations().length === 0")
	drag(top(), 760)
	b.See(".sheet-peek")
	b.Until("document.querySelector('.sheet').getAnimations().length === 0")
	// A device tapped on the map lifts the sheet to its card.
	b.drawn("devices", ids[0])
	at := js[[]float64](b, "(() => { const m = window.__waymark.map, r = m.getCanvas().getBoundingClientRect(), p = m.project([13.38, 52.5]); return [r.left + p.x, r.top + p.y] })()")
	b.Do("tap", chromedp.MouseClickXY(at[0], at[1]))
	b.See(fmt.Sprintf(".sheet-half [data-card='%d']", ids[0]))
	b.Click("[data-nav=history]")
	b.See(".sheet .totals")
	b.Until("document.documentElement.scrollWidth <= 390")
}

// Devices parked on one spot cannot be parted by zooming: the panel lists them.
func TestStacked(t *testing.T) {
	ctx := browsertest.Browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 4)
	f.mu.Lock()
	for _, id := range ids[:3] {
		f.position(id, fix{lat: 52.5, lon: 13.38, at: time.Now()})
	}
	f.mu.Unlock()
	b := newTab(t, ctx, f.URL)
	b.Open("/map?z=12/52.5/13.38")
	b.login()
	b.mapReady()
	b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['clusters']}).some((f) => f.properties.point_count === 3)")
	at := js[[]float64](b, "(() => { const m = window.__waymark.map, r = m.getCanvas().getBoundingClientRect(), p = m.project([13.38, 52.5]); return [r.left + p.x, r.top + p.y] })()")
	b.Do("click", chromedp.MouseClickXY(at[0], at[1]))
	b.SeeText("3 devices on this spot")
	b.Until("document.querySelectorAll('[data-device]').length === 3")
	b.Click(".spot")
	b.Until("document.querySelectorAll('[data-device]').length === 4")
}
