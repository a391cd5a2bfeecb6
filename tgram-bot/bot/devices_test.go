package bot

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
)

var here = data.Position{Valid: true, Latitude: 52.520008, Longitude: 179.7654321, SpeedKnots: 34.5573, AccuracyM: 12}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// plainOf is HTML without its tags.
func plainOf(t *testing.T, html string) string {
	t.Helper()
	return strings.NewReplacer("<b>", "", "</b>", "", "<i>", "", "</i>", "", "<code>", "", "</code>", "").Replace(html)
}

func TestDevicesPages(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", false)
		w.link(anna, alice)
		for i := range 20 {
			w.device(fmt.Sprintf("Truck %02d", i+1), alice)
		}
		m := w.say(anna, "/devices")
		w.wantText(m, "Your devices 1–8")
		if got := labels(m); len(got) != 9 || got[0] != "⚪ Truck 01" || got[8] != "More ›" {
			w.Errorf("first page: %q", got)
		}
		second := w.tap(anna, m, "More ›")
		if second.ID != m.ID || second.Edits != 1 {
			w.Error("turning the page did not edit the message in place")
		}
		w.wantText(second, "9–16")
		last := w.tap(anna, second, "More ›")
		if got := labels(last); len(got) != 5 || got[3] != "⚪ Truck 20" || got[4] != "‹ Back" {
			w.Errorf("last page: %q", got)
		}
		card := w.tap(anna, last, "⚪ Truck 18")
		w.wantText(card, "⚪ Truck 18 · never seen", "No position yet.")
		w.wantText(w.tap(anna, card, "« List"), "17–20")
		w.silent(anna.ID)
	})
}

func TestDevicesSearch(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", false)
		w.link(anna, alice)
		for i := range 10 {
			w.device(fmt.Sprintf("Büro|%d %s", i, strings.Repeat("x", 60)), alice)
		}
		w.device("Boat", alice)
		m := w.say(anna, "/devices büro|")
		w.wantText(m, "Devices with “büro|” 1–8")
		next := w.tap(anna, m, "More ›")
		w.wantText(next, "9–10")
		card := w.tap(anna, next, labels(next)[0])
		w.wantText(card, "Büro|8")
		w.wantText(w.tap(anna, card, "« List"), "Devices with “büro|” 9–10")
		w.wantText(w.say(anna, "/devices <b>nothing"), "None of your devices contains “<b>nothing”")
	})
}

func TestButtonsFit(t *testing.T) {
	p := place{maxPage, cutQuery(strings.Repeat("ä", 100))}
	d := data.Device{ID: math.MaxInt64, Name: strings.Repeat("x", 1000)}
	b := &Bot{now: time.Now}
	rows := b.deviceButtons([]data.Device{d}, "dev", "|"+p.String())
	rows = append(rows, cardButtons(b.language(teleUser()), &d, p)...)
	rows = append(rows, []button{{"x", tap("list", p.String())}})
	for _, row := range rows {
		for _, button := range row {
			if n := len(button.Data); n > 64 {
				t.Errorf("data %q has %d bytes", button.Data, n)
			}
		}
	}
	if got := parsePlace(p.String()); got != p {
		t.Errorf("place %+v came back as %+v", p, got)
	}
	if id, rest := parseDevice(strings.TrimPrefix(rows[0][0].Data, "\fdev|")); id != d.ID || parsePlace(rest) != p {
		t.Errorf("device came back as %d %q", id, rest)
	}
}

func TestWhere(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", false)
		w.link(anna, alice)
		d := w.device("Truck <7>", alice)
		p := here
		p.Attributes.SetInt("batteryLevel", 81)
		w.position(d, p)
		time.Sleep(3 * time.Minute)
		for _, asked := range []string{"/where Truck <7>", "truck", "/where TRUKC", "trukc <7>", d.UniqueID} {
			pin := w.say(anna, asked)
			if pin.Location == nil || *pin.Location != (tgfake.Location{Latitude: 52.520008, Longitude: 179.7654321, AccuracyM: 12}) {
				w.Fatalf("%s: the pin is %+v", asked, pin.Location)
			}
			card := w.tg.Next(anna.ID)
			w.wantText(card, "🟢 Truck <7> · online", "64 km/h · battery 81 %", "Position: 3 minutes ago", "52.52001, 179.76543", "Last contact: 3 minutes ago")
			if !strings.Contains(card.Markup, `<b>Truck &lt;7&gt;</b>`) || !strings.Contains(card.Markup, `?mlat=52.52001&amp;mlon=179.76543#map=16/`) {
				w.Errorf("markup: %s", card.Markup)
			}
			time.Sleep(5 * time.Second)
		}
		w.wantText(w.say(anna, "/where"), "followed by the name")
		w.wantText(w.say(anna, "bicycle"), "no device called “bicycle”")
		time.Sleep(time.Hour)
		card := w.tap(anna, w.say(anna, "/devices"), "🔴 Truck <7>")
		w.wantText(card, "offline", "Position: 1 hour ago")
		id := w.tg.Tap(anna, card, "📍 Map")
		if pin := w.tg.Next(anna.ID); pin.Location == nil {
			w.Errorf("no pin but %q", pin.Text)
		}
		if a := w.tg.AwaitAnswer(id); a.Text != "Sent." {
			w.Errorf("popup %q", a.Text)
		}
		w.tg.AwaitAnswer(w.tg.Tap(anna, card, "↻ Refresh")) // nothing has changed: no error
		w.silent(anna.ID)
	})
}

func TestWhereSeveral(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", false)
		w.link(anna, alice)
		for _, name := range []string{"Bus", "Bus North", "Bus South", "Mini Bus", "Car"} {
			w.position(w.device(name, alice), here)
		}
		if m := w.say(anna, "bus"); m.Location == nil {
			w.Errorf("the exact name does not win: %q", m.Text)
		}
		w.wantText(w.tg.Next(anna.ID), "Bus · online")
		m := w.say(anna, "bus ")
		w.tg.Next(anna.ID)
		if m.Location == nil {
			w.Error("spaces count")
		}
		time.Sleep(5 * time.Second)
		m = w.say(anna, "bu")
		w.wantText(m, "Which device")
		if got := labels(m); !slices.Equal(got, []string{"🟢 Bus", "🟢 Bus North", "🟢 Bus South"}) {
			w.Errorf("choices: %q", got)
		}
		w.tg.AwaitAnswer(w.tg.Tap(anna, m, "🟢 Bus South"))
		if pin := w.tg.Next(anna.ID); pin.Location == nil {
			w.Error("no pin after the choice")
		}
		w.wantText(w.tg.Next(anna.ID), "Bus South")
	})
}

func TestCardsOfStrangeDevices(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.user("Alice", true)
		w.link(anna, alice)
		hostile := w.device(strings.Repeat("<&\"\u202e", 60)+"\n{name}", alice)
		odd := here
		odd.Latitude, odd.SpeedKnots, odd.Valid, odd.FixTime = -90, 1e300, false, time.Now().Add(time.Hour)
		odd.Attributes.SetFloat("batteryLevel", -7)
		w.position(hostile, odd)
		m := w.say(anna, "/devices")
		card := w.tap(anna, m, labels(m)[0])
		w.wantText(card, "99999 km/h · battery 0 %", "Last known position: just now", "-90.00000")
		if strings.Contains(card.Text, "\u202e") || strings.Contains(card.Text, "\n{") {
			w.Errorf("the name was not cleaned: %q", card.Text)
		}
		if deviceName(&data.Device{ID: 7, Name: " \u202e\n"}) != "#7" {
			w.Error("a device without a visible name has no name")
		}
	})
}

func TestPeopleSeeTheirDevicesOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bob, root := w.user("Alice", false), w.user("Bob", false), w.user("Root", true)
		w.link(anna, alice)
		w.link(bert, bob)
		carla := tgfake.Person{ID: 1003, FirstName: "Carla"}
		w.link(carla, root)
		mine, shared, theirs := w.device("Mine", alice), w.device("Shared", alice, bob), w.device("Theirs", bob)
		for _, d := range []data.Device{mine, shared, theirs} {
			w.position(d, here)
		}
		for p, want := range map[tgfake.Person][]string{
			anna:  {"🟢 Mine", "🟢 Shared"},
			bert:  {"🟢 Shared", "🟢 Theirs"},
			carla: {"🟢 Mine", "🟢 Shared", "🟢 Theirs"},
		} {
			if got := labels(w.say(p, "/devices")); !slices.Equal(got, want) {
				w.Errorf("%s sees %q, want %q", p.FirstName, got, want)
			}
		}
		w.wantText(w.say(anna, "Theirs"), "no device called")
		w.wantText(w.say(anna, theirs.UniqueID), "no device called")
		m := w.say(anna, "/devices Their")
		w.wantText(m, "None of your devices")
		for _, handler := range []string{"dev", "pin", "where"} {
			time.Sleep(5 * time.Second)
			m := w.say(anna, "/help")
			w.tg.TapData(anna, m, fmt.Sprintf("\f%s|%s|0|", handler, jsonID(theirs.ID)))
			w.wantText(w.tg.Next(anna.ID), "no longer exists")
		}

		// Rights are asked for at every tap.
		card := w.tap(anna, w.say(anna, "/devices"), "🟢 Shared")
		if err := w.store.RemoveLinks(w.Context(), data.UserDevice(alice.ID, shared.ID)); err != nil {
			w.Fatal(err)
		}
		w.wantText(w.tap(anna, card, "↻ Refresh"), "no longer exists")
		alice.Disabled = true
		if err := w.store.UpdateUser(w.Context(), &alice); err != nil {
			w.Fatal(err)
		}
		w.wantText(w.say(anna, "Mine"), "account is disabled")
		if err := w.store.DeleteUser(w.Context(), bob.ID); err != nil {
			w.Fatal(err)
		}
		w.wantText(w.say(bert, "Theirs"), "nicht mit Waymark verbunden")
		w.silent(anna.ID)
	})
}

// What is in a group is seen by those who see the group, and by nobody else.
func TestDevicesOfGroups(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bob := w.user("Alice", false), w.user("Bob", false)
		w.link(anna, alice)
		top := data.Group{Name: "top"}
		if err := w.store.CreateObject(w.Context(), &top); err != nil {
			w.Fatal(err)
		}
		sub := data.Group{Name: "sub", GroupID: top.ID}
		if err := w.store.CreateObject(w.Context(), &sub); err != nil {
			w.Fatal(err)
		}
		d, _ := w.device("Deep"), w.device("Foreign", bob)
		d.GroupID = sub.ID
		if err := w.store.UpdateDevice(w.Context(), &d); err != nil {
			w.Fatal(err)
		}
		link := data.Link{Owner: data.UserKind, OwnerID: alice.ID, Property: data.GroupKind, PropertyID: top.ID}
		if err := w.store.AddLinks(w.Context(), link); err != nil {
			w.Fatal(err)
		}
		if got := labels(w.say(anna, "/devices")); len(got) != 1 || !strings.Contains(got[0], "Deep") {
			w.Errorf("devices %q", got)
		}
		if err := w.store.RemoveLinks(w.Context(), link); err != nil {
			w.Fatal(err)
		}
		if got := labels(w.say(anna, "/devices")); len(got) != 0 {
			w.Errorf("without the link: %q", got)
		}
	})
}
