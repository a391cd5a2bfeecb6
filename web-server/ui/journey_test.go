package ui_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/waymark-gps/waymark/web-server/ui"
)

// The page as shipped: first administrator, onboarding, an unknown device is
// registered and sends its first fix, sign out, sign in again.
func TestFirstRun(t *testing.T) {
	ctx := browser(t)
	f := newFake(t, ui.Handler())
	b := newTab(t, ctx, f.URL)
	b.open("/")
	b.seeText("Create the administrator")
	b.fill("#name", "Anna")
	b.login()
	b.seeText("Connect your first device")
	b.seeText("127.0.0.1:5027")

	f.mu.Lock()
	f.unknown = append(f.unknown, object{
		"uniqueId": "352093081452251", "protocol": "gt06", "address": "203.0.113.9:40312", "firstSeen": time.Now().Format(dateFormat),
		"lastSeen": time.Now().Format(dateFormat), "count": 3, "lastFrame": "78780d01035209308145225100018cdd0d0a",
	})
	f.mu.Unlock()
	b.see("[data-unknown='352093081452251']")
	b.clickText("button", "Register")
	b.fill("dialog input[name=name]", "Anna’s bike")
	b.click("dialog button[type=submit]")
	b.see("[data-card]")
	b.seeText("Never connected")

	f.mu.Lock()
	id := f.devices[0]["id"].(int)
	f.mu.Unlock()
	f.move(id, fix{lat: 52.52, lon: 13.405, kmh: 18, course: 80, at: time.Now(), attributes: object{"batteryLevel": 71}})
	b.until(`document.querySelector('.pill-moving') && document.querySelector('.tile-value').innerText.startsWith('18')`)

	b.click("[data-nav=settings]")
	b.click("[data-action=logout]")
	b.seeText("Sign in")
	b.until("location.pathname === '/settings'")
	b.fill("#email", "anna@example.org")
	b.fill("#password", "wrong")
	b.click("button[type=submit]")
	b.seeText("Email or password is wrong.")
	b.login()
	b.see("[data-action=logout]")
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
	ctx := browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 4)
	b := newTab(t, ctx, f.URL)
	b.open("/map")
	b.login()
	b.mapReady()
	for _, id := range ids {
		b.see(fmt.Sprintf("[data-device='%d']", id))
		b.drawn("devices", id)
	}
	f.move(ids[1], fix{lat: 52.53, lon: 13.42, kmh: 54, course: 45, at: time.Now(), attributes: object{"motion": true}})
	b.see(fmt.Sprintf("[data-device='%d'][data-state=moving]", ids[1]))
	b.seeText("54 km/h")
	b.until(fmt.Sprintf(`window.__waymark.map.queryRenderedFeatures({layers: ['devices']}).some((f) => f.properties.id === %d && f.properties.state === 'moving' && Math.abs(f.geometry.coordinates[0] - 13.42) < 0.001)`, ids[1]))

	b.click("[data-state=moving].chip")
	b.until("document.querySelectorAll('[data-device]').length === 1")
	b.until("window.__waymark.map.queryRenderedFeatures({layers: ['devices']}).length === 1")
	b.click("[data-state=moving].chip")
	b.until("document.querySelectorAll('[data-device]').length === 4")

	// Keyboard: second row, open, follow, close.
	b.keys("jj")
	b.see(fmt.Sprintf(".row.current[data-device='%d']", ids[1]))
	b.keys(kb.Enter)
	b.see(fmt.Sprintf("[data-card='%d']", ids[1]))
	b.until(fmt.Sprintf("location.search.includes('d=%d')", ids[1]))
	b.drawn("selected", ids[1])
	b.keys("f")
	b.see(".follow-chip")
	f.move(ids[1], fix{lat: 52.56, lon: 13.46, kmh: 60, course: 45, at: time.Now(), attributes: object{"motion": true}})
	b.until("Math.abs(window.__waymark.map.getCenter().lng - 13.46) < 0.002")
	b.keys(kb.Escape)
	b.until("!document.querySelector('.follow-chip')")
	b.do("back", chromedp.NavigateBack())
	b.see("[data-device]")
	b.keys("?")
	b.see("dialog[open]")
	b.keys(kb.Escape)
	b.until("!document.querySelector('dialog[open]')")
	b.press("/")
	b.until("document.activeElement.type === 'search'")
	b.keys("truck 3")
	b.until("document.querySelectorAll('[data-device]').length === 1")
	b.fill("input[type=search]", "")

	f.cut()
	b.see(".banner")
	f.mu.Lock()
	late := f.addDevice("Late van", "990000000000001")["id"].(int)
	f.mu.Unlock()
	b.until("!document.querySelector('.banner')")
	b.see(fmt.Sprintf("[data-device='%d']", late))

	// A device the page has not heard of speaks: it is fetched.
	f.mu.Lock()
	news := f.addDevice("New van", "990000000000002")["id"].(int)
	f.mu.Unlock()
	f.move(news, fix{lat: 52.51, lon: 13.5, kmh: 30, at: time.Now()})
	b.see(fmt.Sprintf("[data-device='%d'][data-state=moving]", news))

	// The session ends elsewhere: back to the login page.
	f.mu.Lock()
	clear(f.sessions)
	f.mu.Unlock()
	f.cut()
	b.see("#password")
}

func TestHistory(t *testing.T) {
	ctx := browser(t)
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
	b.open("/history")
	b.login()
	b.click(fmt.Sprintf("[data-device='%d']", id))
	b.until(fmt.Sprintf("location.pathname === '/history/%d'", id))
	b.see(".totals[data-points='1']")
	b.open(fmt.Sprintf("/history/%d/2026-03-14", id))
	b.see(".totals[data-points='240']")
	b.mapReady()
	b.until("window.__waymark.map.queryRenderedFeatures({layers: ['route']}).length > 0")
	b.until("window.__waymark.map.queryRenderedFeatures({layers: ['cursor']}).length === 1")
	before := js[float64](b, "Number(document.querySelector('.scrub').dataset.time)")
	b.click(".player .primary")
	b.see("[data-playing]")
	b.until(fmt.Sprintf("Number(document.querySelector('.scrub').dataset.time) > %.0f + 60_000", before))
	b.click(".player .primary")
	at := js[float64](b, "Number(document.querySelector('.scrub').dataset.time)")
	b.keys("]")
	b.until(fmt.Sprintf("Number(document.querySelector('.scrub').dataset.time) >= %.0f + 59_000", at))
	b.click("[aria-label='Previous day']")
	b.until(fmt.Sprintf("location.pathname === '/history/%d/2026-03-13'", id))
	b.seeText("Nothing was recorded on this day.")
	b.do("back", chromedp.NavigateBack())
	b.see(".totals[data-points='240']")
}

func TestDevicesAndSettings(t *testing.T) {
	ctx := browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 2)
	b := newTab(t, ctx, f.URL)
	b.open("/devices")
	b.login()
	b.seeText("Nothing unknown has reported.")
	b.clickText("button", "Add device")
	b.fill("dialog input[name=name]", `<img src=x onerror="alert(1)">`)
	b.fill("dialog input[name=uniqueId]", "352093081450000")
	b.click("dialog button[type=submit]")
	b.seeText("device with this identifier exists")
	b.fill("dialog input[name=uniqueId]", "4711")
	b.click("dialog button[type=submit]")
	b.until("!document.querySelector('dialog')")
	b.until(`[...document.querySelectorAll('.managed-name')].some((e) => e.textContent.startsWith('<img'))`)
	b.click(fmt.Sprintf("[data-managed='%d'] button[aria-label^=Rename]", ids[0]))
	b.fill("dialog input[name=name]", "Renamed")
	b.click("dialog button[type=submit]")
	b.until(fmt.Sprintf(`document.querySelector("[data-managed='%d'] .managed-name").textContent === 'Renamed'`, ids[0]))
	b.click(fmt.Sprintf("[data-managed='%d'] button[aria-label^=Delete]", ids[0]))
	b.click("dialog button.danger")
	b.until(fmt.Sprintf(`!document.querySelector("[data-managed='%d']")`, ids[0]))

	b.click("[data-nav=settings]")
	f.mu.Lock()
	f.botOff = true
	f.mu.Unlock()
	b.clickText("button", "Connect Telegram")
	b.seeText("the Telegram bot is not configured")
	f.mu.Lock()
	f.botOff = false
	f.mu.Unlock()
	b.clickText("button", "Connect Telegram")
	b.see("a[href='https://t.me/waymark_bot?start=ABCD2345']")
	b.seeText("ABCD2345")
	f.mu.Lock()
	f.telegram = object{"connected": true, "name": "@anna"}
	f.mu.Unlock()
	b.see("[data-telegram=on]")
	b.clickText("button", "Disconnect")
	b.see("[data-telegram=off]")
	b.do("theme", chromedp.SetValue(chromedp.ID("theme"), "dark"))
	js[bool](b, "document.querySelector('#theme').dispatchEvent(new Event('change', {bubbles: true}))")
	b.see("html[data-theme=dark]")
	js[bool](b, "document.querySelector('#lang').value = 'de', document.querySelector('#lang').dispatchEvent(new Event('change', {bubbles: true}))")
	b.see("html[lang=de]")
	b.seeText("Abmelden")
}

// Without WebGL the rest of the page works.
func TestNoWebGL(t *testing.T) {
	ctx := browser(t, chromedp.Flag("disable-3d-apis", true))
	f := newFake(t, ui.Handler())
	ids := fleet(f, 2)
	b := newTab(t, ctx, f.URL)
	b.open("/map")
	b.login()
	b.seeText("The map cannot be drawn")
	b.click(fmt.Sprintf("[data-device='%d']", ids[0]))
	b.see("[data-card]")
	b.until("document.querySelector('.card').getAnimations().length === 0")
	b.shot("no-webgl")
}

// On a phone the panel is a sheet that can be dragged, and tabs lie below.
func TestPhone(t *testing.T) {
	ctx := browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 3)
	b := newTab(t, ctx, f.URL)
	b.size(390, 844, true)
	b.open("/map")
	b.login()
	b.mapReady()
	b.see(".sheet-half")
	drag := func(from, to float64) {
		b.do("drag", chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, 195, from, chromedp.ButtonLeft, chromedp.ClickCount(1)),
			chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 195, (from+to)/2, chromedp.ButtonLeft),
			chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 195, to, chromedp.ButtonLeft),
			chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, 195, to, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	top := func() float64 {
		return js[float64](b, "document.querySelector('.sheet-grip').getBoundingClientRect().top + 12")
	}
	drag(top(), 60)
	b.see(".sheet-full")
	b.until("document.querySelector('.sheet').getAnimations().length === 0")
	drag(top(), 760)
	b.see(".sheet-peek")
	b.until("document.querySelector('.sheet').getAnimations().length === 0")
	// A device tapped on the map lifts the sheet to its card.
	b.drawn("devices", ids[0])
	at := js[[]float64](b, "(() => { const m = window.__waymark.map, r = m.getCanvas().getBoundingClientRect(), p = m.project([13.38, 52.5]); return [r.left + p.x, r.top + p.y] })()")
	b.do("tap", chromedp.MouseClickXY(at[0], at[1]))
	b.see(fmt.Sprintf(".sheet-half [data-card='%d']", ids[0]))
	b.click("[data-nav=history]")
	b.see(".sheet .totals")
	b.until("document.documentElement.scrollWidth <= 390")
}

// Devices parked on one spot cannot be parted by zooming: the panel lists them.
func TestStacked(t *testing.T) {
	ctx := browser(t)
	f := newFake(t, withHook(t))
	ids := fleet(f, 4)
	f.mu.Lock()
	for _, id := range ids[:3] {
		f.position(id, fix{lat: 52.5, lon: 13.38, at: time.Now()})
	}
	f.mu.Unlock()
	b := newTab(t, ctx, f.URL)
	b.open("/map?z=12/52.5/13.38")
	b.login()
	b.mapReady()
	b.until("window.__waymark.map.queryRenderedFeatures({layers: ['clusters']}).some((f) => f.properties.point_count === 3)")
	at := js[[]float64](b, "(() => { const m = window.__waymark.map, r = m.getCanvas().getBoundingClientRect(), p = m.project([13.38, 52.5]); return [r.left + p.x, r.top + p.y] })()")
	b.do("click", chromedp.MouseClickXY(at[0], at[1]))
	b.seeText("3 devices on this spot")
	b.until("document.querySelectorAll('[data-device]').length === 3")
	b.click(".spot")
	b.until("document.querySelectorAll('[data-device]').length === 4")
}
