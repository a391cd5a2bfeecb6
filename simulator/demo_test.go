package simulator

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo"
)

func TestRoutesArePlausible(t *testing.T) {
	for _, d := range demoDevices {
		r := d.route
		if length := r.length(); length < 1500 || length > 12_000 {
			t.Errorf("%s: %v m long", d.name, length)
		}
		for i := 1; i < len(r.points); i++ {
			if piece := r.along[i] - r.along[i-1]; piece < 20 || piece > 1200 {
				t.Errorf("%s: %v m from point %d", d.name, piece, i-1)
			}
		}
		for i := 1; i < len(r.points)-1; i++ {
			if bend := r.bend(i); bend > 120 {
				t.Errorf("%s: turns by %v at point %d", d.name, bend, i)
			}
		}
	}
}

// offRoute is how far a place is from a route, in metres.
func offRoute(r *route, lat, lon float64) float64 {
	nearest := math.Inf(1)
	for place := 0.0; place < r.length(); place += 2 {
		p, _ := r.at(place)
		nearest = min(nearest, geo.Distance(p.lat, p.lon, lat, lon))
	}
	return nearest
}

// told is a report as a position.
func told(r report) (p data.Position) {
	r.position(&p)
	return p
}

func TestMotion(t *testing.T) {
	start := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	for i, d := range demoDevices {
		m := newMover(d.route, d.manner, uint64(i))
		first := told(m.report(start))
		second := told(m.next(start.Add(2*time.Second), 2*time.Second))
		if moved := geo.Distance(first.Latitude, first.Longitude, second.Latitude, second.Longitude); moved < d.manner.cruise/3 {
			t.Errorf("%s: moved %v m in the first two seconds", d.name, moved)
		}
		var stood, went, turned int
		last, lastPlace := m.speed, m.place
		odometer, _ := second.Attributes.Get("odometer").Int()
		ends := map[bool]bool{}
		for s := 0; s < 2*3600; s++ {
			m.step(time.Second)
			if change := m.speed - last; change > d.manner.speedUp+0.35 || m.speed > d.manner.cruise+1e-9 || m.speed < 0 {
				t.Fatalf("%s: from %v to %v m/s", d.name, last, m.speed)
			}
			if way := math.Abs(m.place - lastPlace); way > d.manner.cruise+0.5 {
				t.Fatalf("%s: %v m in a second", d.name, way)
			}
			last, lastPlace = m.speed, m.place
			if m.speed == 0 {
				stood++
			} else {
				went++
			}
			ends[m.forward] = true
			if s%300 != 0 {
				continue
			}
			p := told(m.report(start.Add(time.Duration(s) * time.Second)))
			if off := offRoute(d.route, p.Latitude, p.Longitude); off > 20 {
				t.Errorf("%s: %v m off the street", d.name, off)
			}
			now, _ := p.Attributes.Get("odometer").Int()
			if now < odometer || p.CourseDeg < 0 || p.CourseDeg > 360 || !p.Valid {
				t.Errorf("%s: odometer %d after %d, course %v", d.name, now, odometer, p.CourseDeg)
			}
			odometer = now
			turned++
		}
		if stood < 60 || went < stood/2 || len(ends) != 2 {
			t.Errorf("%s: stood %d s, went %d s, directions %v", d.name, stood, went, ends)
		}
	}
}

func TestMotionIsDeterministic(t *testing.T) {
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	drive := func(seed uint64) []byte {
		m := newMover(lisbonRiver, asVan, seed)
		var out []byte
		for range 50 {
			m.step(1700 * time.Millisecond)
			p := told(m.report(at))
			out = p.AppendJSON(out)
		}
		return out
	}
	if string(drive(7)) != string(drive(7)) {
		t.Error("the same seed drives elsewhere")
	}
	if string(drive(7)) == string(drive(8)) {
		t.Error("another seed drives the same way")
	}
}

func TestDemo(t *testing.T) {
	targets := map[string]string{}
	var servers []*server
	for _, name := range []string{"gt06", "teltonika", "osmand"} {
		s := startServer(t, name, nil)
		targets[name] = s.address
		servers = append(servers, s)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Demo(ctx, targets, quiet) }()
	for moved := map[string]bool{}; len(moved) < len(DemoDevices()); {
		select {
		case <-servers[0].arrived:
		case <-servers[1].arrived:
		case <-servers[2].arrived:
		case <-ctx.Done():
			t.Fatalf("only %v moved", moved)
		}
		for _, s := range servers {
			s.mu.Lock()
			for id, list := range s.positions {
				a, b := list[0], list[len(list)-1]
				if geo.Distance(a.Latitude, a.Longitude, b.Latitude, b.Longitude) > 1 {
					moved[id] = true
				}
			}
			s.mu.Unlock()
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, d := range DemoDevices() {
		found := false
		for _, s := range servers {
			found = found || len(s.positions[d.UniqueID]) > 0
		}
		if !found || d.Name == "" || d.Category == "" {
			t.Errorf("%+v did not come", d)
		}
	}
}

func TestDemoNeedsAddresses(t *testing.T) {
	err := Demo(context.Background(), map[string]string{"gt06": "127.0.0.1:1"}, quiet)
	if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), "teltonika, osmand") {
		t.Error(err)
	}
}
