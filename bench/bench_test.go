package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// TestStoredBytes holds the promise of small files, with some room above what
// is measured.
func TestStoredBytes(t *testing.T) {
	o := DefaultOptions()
	o.Dir = t.TempDir()
	values, err := storedBytes(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if values[0] < 5 || values[0] > 20 {
		t.Errorf("%.1f bytes for a position, 17.2 were measured", values[0])
	}
}

func TestDeviceDay(t *testing.T) {
	o := DefaultOptions()
	o.Dir, o.Points = t.TempDir(), 300_000
	values, err := deviceDay(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if v <= 0 {
			t.Errorf("figure %d is %v", i, v)
		}
	}
}

func TestDelaysAreOfTheReportThatWasSent(t *testing.T) {
	d := newDelays([]string{"a", "b"})
	d.know(map[string]int64{"a": 7, "b": 8})
	d.collect(true)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d.send(1, at, at)
	d.shown([]byte(`8,"x":1`), []byte("2026-11-22T12:00:00.000+00:00"), at.Add(30*time.Millisecond))
	d.shown([]byte(`8,"x":1`), []byte("2026-11-22T12:00:01.000+00:00"), at.Add(time.Second)) // not sent by us
	d.shown([]byte(`9,"x":1`), []byte("2026-11-22T12:00:00.000+00:00"), at)                  // nor by a device of ours
	if got := d.quantile(1); len(d.all) != 1 || got != 30*time.Millisecond {
		t.Errorf("%v", d.all)
	}
}

func TestMedianAndTable(t *testing.T) {
	values := []float64{5, 1, 3}
	s := scenario{name: "x", figures: []Figure{{What: "things", Unit: "ms", Must: 2, Lower: true}}, run: func(context.Context, Options) ([]float64, error) {
		v := values[0]
		values = values[1:]
		return []float64{v}, nil
	}}
	o := DefaultOptions()
	figures, err := s.measure(t.Context(), o)
	if err != nil || figures[0].Value != 3 || figures[0].Holds() {
		t.Fatalf("%+v, %v", figures, err)
	}
	var b strings.Builder
	if err := (Report{Figures: figures}).WriteTable(&b); err != nil || !strings.Contains(b.String(), "MISSED") {
		t.Errorf("%s, %v", b.String(), err)
	}
	if _, err := Run(t.Context(), Options{Only: []string{"nothing"}}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("a scenario that does not exist: %v", err)
	}
}
