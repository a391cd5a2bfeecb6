package ui_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/web-server/ui/browsertest"
)

// TestShots takes pictures of every screen for people to look at:
//
//	WAYMARK_SHOTS=/some/folder go test ./web-server/ui -run TestShots
func TestShots(t *testing.T) {
	if os.Getenv("WAYMARK_SHOTS") == "" {
		t.Skip("set WAYMARK_SHOTS to a folder to get pictures")
	}
	ctx := browsertest.Browser(t)

	t.Run("first", func(t *testing.T) {
		f := newFake(t, withHook(t))
		b := newTab(t, ctx, f.URL)
		b.Size(1280, 800, false)
		b.Open("/")
		b.SeeText("Create the administrator")
		b.shot("first-run")
		b.Fill("#name", "Anna Berg")
		b.login()
		b.SeeText("Connect your first device")
		b.mapReady()
		f.mu.Lock()
		f.unknown = unknowns()
		f.mu.Unlock()
		b.See("[data-unknown]")
		b.shot("empty")
		b.Size(390, 844, true)
		b.See(".sheet")
		b.shot("phone-empty")
		b.Size(1280, 800, false)
		b.Click("[data-nav=devices]")
		b.See(".frame")
		b.shot("devices-empty")
	})

	t.Run("city", func(t *testing.T) {
		f := newFake(t, withHook(t))
		ids, finish := city(f)
		f.mu.Lock()
		f.unknown = unknowns()
		f.mu.Unlock()
		b := newTab(t, ctx, f.URL)
		b.Size(1440, 900, false)
		b.Open("/map?z=12.6/52.5180/13.4010")
		b.SeeText("Sign in")
		b.shot("login")
		b.login()
		b.mapReady()
		finish()
		b.Until("window.__waymark.row(" + fmt.Sprint(ids[0]) + ").seen > Date.now() - 20_000")
		b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['trails']}).length > 8")
		b.idle()
		b.shot("readme")
		js[bool](b, "document.querySelector('.vlist').scrollTop = 1e6, true")
		b.Click(fmt.Sprintf("[data-device='%d']", ids[2]))
		b.drawn("selected", ids[2])
		b.idle()
		b.shot("card")
		js[bool](b, "localStorage.setItem('waymark.theme', 'dark'), true")
		b.Open("/map?z=12.6/52.5180/13.4010")
		b.mapReady()
		b.idle()
		b.shot("dark")
		b.Click(fmt.Sprintf("[data-device='%d']", ids[1]))
		b.drawn("selected", ids[1])
		b.Keys("f")
		b.idle()
		b.shot("dark-card")
		b.Click("[data-nav=settings]")
		b.ClickText("button", "Connect Telegram")
		b.See(".invite")
		b.shot("dark-settings")
		js[bool](b, "localStorage.setItem('waymark.theme', 'light'), true")
		b.Open("/settings")
		b.ClickText("button", "Connect Telegram")
		b.See(".invite")
		b.shot("settings")
		b.Click("[data-nav=devices]")
		b.See("[data-managed]")
		b.shot("devices")
		b.ClickText("button", "Register")
		b.See("dialog[open]")
		b.shot("register")
		b.Open(fmt.Sprintf("/history/%d/2026-03-14", ids[0]))
		b.See(".totals")
		b.mapReady()
		b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['route']}).length > 0")
		js[bool](b, "(() => { const s = document.querySelector('.scrub'); s.value = Number(s.min) + (s.max - s.min) * 0.4; s.dispatchEvent(new Event('input', {bubbles: true})); return true })()")
		b.idle()
		b.shot("history")
		b.Size(390, 844, true)
		b.See(".sheet .totals")
		b.idle()
		b.shot("phone-history")
		b.Open("/map?z=12.2/52.5080/13.4010")
		b.mapReady()
		b.idle()
		b.shot("phone")
		b.Open(fmt.Sprintf("/map?d=%d", ids[2]))
		b.drawn("selected", ids[2])
		b.idle()
		b.shot("phone-card")
		b.Open("/devices")
		b.See("[data-managed]")
		b.shot("phone-devices")
		js[bool](b, "localStorage.setItem('waymark.lang', 'de'), true")
		b.Open("/settings")
		b.SeeText("Abmelden")
		b.shot("phone-settings-de")
		b.Size(1280, 800, false)
		b.Open("/map")
		b.mapReady()
		b.Keys("?")
		b.See("dialog[open]")
		b.idle()
		b.shot("help-de")
	})

	t.Run("long names", func(t *testing.T) {
		f := newFake(t, withHook(t))
		ids := fleet(f, 3)
		f.mu.Lock()
		f.devices[0]["name"] = "Refrigerated semi-trailer, fish and seafood, night line Rotterdam–Hamburg–København, second driver"
		f.devices[1]["name"] = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenträger"
		f.devices[2]["name"] = "شاحنة التوصيل رقم ٧"
		f.position(ids[0], fix{lat: 52.50, lon: 13.38, kmh: 127, course: 200, at: time.Now(), attributes: object{
			"batteryLevel": 7, "driverUniqueId": "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "motion": true, "raw": object{"a": 1},
		}})
		f.devices[1]["status"] = "unknown"
		f.mu.Unlock()
		b := newTab(t, ctx, f.URL)
		b.Size(1280, 800, false)
		b.Open("/map")
		js[bool](b, "localStorage.setItem('waymark.lang', 'en'), true")
		b.login()
		b.mapReady()
		b.idle()
		b.shot("long-list")
		b.Click(fmt.Sprintf("[data-device='%d']", ids[0]))
		b.drawn("selected", ids[0])
		b.idle()
		b.shot("long-card")
	})

	t.Run("many", func(t *testing.T) {
		f := newFake(t, withHook(t))
		crowd(f, 10_000)
		b := newTab(t, ctx, f.URL)
		b.Size(1280, 800, false)
		b.Open("/map")
		b.login()
		b.mapReady()
		b.Until("window.__waymark.visible.value.length === 10_000")
		b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['clusters']}).length > 10")
		b.idle()
		b.shot("many")
		js[bool](b, "localStorage.setItem('waymark.lite', 'off'), true")
		b.Open("/map?z=4.2/50/9.5")
		b.mapReady()
		b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['clusters']}).length > 3")
		b.idle()
		b.shot("many-names")
		b.Open("/map?z=8/48.8/9.5")
		b.mapReady()
		b.Until("window.__waymark.map.queryRenderedFeatures({layers: ['clusters']}).length > 3")
		b.idle()
		b.shot("many-near")
	})
}

// audit runs axe-core, when WAYMARK_AXE names its file, on what is on screen.
func (b *tab) audit(where string) {
	file := os.Getenv("WAYMARK_AXE")
	if file == "" {
		return
	}
	code, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	js[bool](b, string(code)+";true")
	js[bool](b, "window.__found = null, axe.run().then((r) => (window.__found = r.violations.map((v) => v.impact + ' ' + v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120) + ' ' + (n.any[0]?.message ?? '')).slice(0, 4).join(' | ')))), true")
	b.Until("window.__found")
	for _, v := range js[[]string](b, "window.__found") {
		b.Errorf("%s: %s", where, v)
	}
}

// idle waits until the map has nothing left to draw.
func (b *tab) idle() {
	b.Helper()
	js[bool](b, "window.__idle = false, window.__waymark.map.once('idle', () => (window.__idle = true)), window.__waymark.map.triggerRepaint(), true")
	b.Until("window.__idle")
}

func unknowns() []object {
	now := time.Now().Format(dateFormat)
	return []object{
		{"uniqueId": "352093081452251", "protocol": "gt06", "address": "203.0.113.9:40312", "firstSeen": now, "lastSeen": now, "count": 14, "lastFrame": "78780d01035209308145225100018cdd0d0a"},
		{"uniqueId": "a3f9e21c", "protocol": "osmand", "address": "198.51.100.77:51022", "firstSeen": now, "lastSeen": now, "count": 1, "lastFrame": "id=a3f9e21c&lat=52.52&lon=13.405&timestamp=1700000000&speed=0&batt=71"},
	}
}

var places = []struct{ lat, lon, spread, weight float64 }{
	{48.86, 2.35, 1.6, 5},
	{52.52, 13.4, 1.8, 5},
	{51.5, -0.12, 1.2, 5},
	{40.42, -3.7, 1.6, 3},
	{45.46, 9.19, 1.2, 4},
	{52.23, 21.01, 1.5, 3},
	{48.78, 9.18, 1.2, 4},
	{59.33, 18.07, 1.5, 1},
	{38.72, -9.14, 0.8, 1},
	{47.5, 19.04, 1.2, 2},
	{40.71, -74, 2.5, 4},
	{41.88, -87.63, 2.5, 3},
	{34.05, -118.24, 1.6, 3},
	{-23.55, -46.63, 2, 3},
	{-34.6, -58.38, 1.5, 1},
	{19.43, -99.13, 1.5, 2},
	{28.61, 77.21, 2.5, 4},
	{-26.2, 28.05, 1.5, 1},
	{35.68, 139.69, 1, 2},
	{1.35, 103.82, 0.12, 1},
	{-33.87, 151.21, 0.7, 1},
	{30.04, 31.24, 0.8, 1},
	{6.52, 3.38, 0.6, 1},
	{41.01, 28.98, 0.6, 1},
}

func crowd(f *fake, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addUser("Anna Berg", "anna@example.org", "correct horse")
	r := rand.New(rand.NewPCG(4, 2))
	total := 0.0
	for _, p := range places {
		total += p.weight
	}
	for i := range n {
		x := r.Float64() * total
		p := places[0]
		for _, p = range places {
			if x -= p.weight; x < 0 {
				break
			}
		}
		id := f.addDevice(fmt.Sprintf("Vehicle %05d", i+1), fmt.Sprintf("86000%010d", i))["id"].(int)
		kmh := math.Max(0, r.Float64()*160-70)
		f.position(id, fix{
			lat: p.lat + r.NormFloat64()*p.spread*0.5, lon: p.lon + r.NormFloat64()*p.spread*0.7, kmh: kmh, course: r.Float64() * 360,
			at: time.Now().Add(-time.Duration(r.IntN(90)) * time.Second), attributes: object{"motion": kmh > 1},
		})
		if r.IntN(6) == 0 {
			f.device(id)["status"] = "offline"
		}
	}
}

// city is a delivery fleet at work; finish brings its last ten minutes live.
func city(f *fake) (ids []int, finish func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addUser("Anna Berg", "anna@example.org", "correct horse")
	names := []string{
		"Bike 1 · Ada", "Bike 2 · Linus", "Van 11 · Parcel north", "Van 12 · Parcel south", "Van 14 · Express", "Truck 3 · Cold chain", "Truck 7", "Truck 9 · Timber",
		"Taxi 204", "Taxi 211", "Taxi 219", "Taxi 230", "Service car East", "Service car West", "Anna’s phone", "Boat Havel", "Courier Kim", "Courier Noor", "Trailer 41", "Trailer 42",
	}
	start := time.Now().Add(-10 * time.Minute)
	var drivers []*driver
	for i, name := range names {
		id := f.addDevice(name, fmt.Sprintf("35209308145%04d", 2200+i))["id"].(int)
		ids = append(ids, id)
		a := float64(i) * 2.4
		d := newDriver(uint64(i+11), 52.518+0.032*math.Sqrt(float64(i)/20)*math.Cos(a), 13.401+0.075*math.Sqrt(float64(i)/20)*math.Sin(a), start)
		drivers = append(drivers, d)
		f.position(id, d.step(time.Second))
		if i == 7 || i == 18 || i == 13 {
			f.device(id)["status"] = "offline"
			f.device(id)["lastUpdate"] = time.Now().Add(-time.Duration(i*17) * time.Minute).Format(dateFormat)
		}
	}
	noon := time.Date(2026, 3, 14, 8, 12, 0, 0, time.Local)
	d := newDriver(5, 52.49, 13.36, noon)
	for i := range 900 {
		x := d.step(12 * time.Second)
		if i > 350 && i < 500 {
			x.kmh *= 1.7
			d.kmh = math.Min(d.kmh*1.25, 110)
		}
		f.position(ids[0], x)
	}
	f.latest[ids[0]] = f.history[ids[0]][0]
	return ids, func() {
		for step := range 60 {
			for i, id := range ids {
				if f.device(id)["status"] == "offline" || i == 5 {
					continue
				}
				x := drivers[i].step(10 * time.Second)
				if step == 59 {
					x.attributes["motion"] = i%6 != 4
					if x.kmh = math.Max(x.kmh, 17); i%6 == 4 {
						x.kmh = 0
					}
				}
				if i == 0 {
					x.attributes["batteryLevel"] = 18
				}
				f.move(id, x)
			}
		}
	}
}
