package simulator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// What is sent can be read, and no two reports of a device are the same.
func TestLoad(t *testing.T) {
	for _, name := range []string{"gt06", "teltonika"} {
		for _, batch := range []int{1, 20} {
			for _, rate := range []float64{0, 2000} {
				t.Run(fmt.Sprintf("%s/batch=%d/rate=%v", name, batch, rate), func(t *testing.T) {
					s, r := enough(t, Load{Protocol: name, Devices: 5, FirstDevice: 100, Batch: batch, Rate: rate, Duration: 200 * time.Millisecond})
					if r.Acknowledged == 0 || r.Acknowledged != r.Sent || r.Bursts*uint64(batch) != r.Sent || r.Answers.Count != r.Bursts || r.Connect <= 0 {
						t.Errorf("%+v", r)
					}
					if most := rate*r.Elapsed.Seconds() + float64(5*batch); rate > 0 && float64(r.Sent) > most {
						t.Errorf("%d sent in %v at 2000 a second", r.Sent, r.Elapsed)
					}
					s.mu.Lock()
					defer s.mu.Unlock()
					total := uint64(0)
					for i := range 5 {
						list := s.positions[IMEI(100+i)]
						total += uint64(len(list))
						for k := 1; k < len(list); k++ {
							if list[k].Latitude <= list[k-1].Latitude || !list[k].FixTime.After(list[k-1].FixTime) {
								t.Fatalf("device %d: %+v after %+v", i, list[k], list[k-1])
							}
						}
						for _, p := range list {
							if !p.Valid || time.Since(p.FixTime).Abs() > 24*time.Hour || p.Longitude != 9 {
								t.Fatalf("device %d: %+v", i, p)
							}
						}
					}
					if total != r.Acknowledged {
						t.Errorf("%d of %d have arrived", total, r.Acknowledged)
					}
				})
			}
		}
	}
}

// enough runs a load until it sends half of what it should, as it does on a
// machine that gives it time to.
func enough(t *testing.T, l Load) (*server, LoadReport) {
	t.Helper()
	for limit := time.Now().Add(patience); ; {
		s := startServer(t, l.Protocol, nil)
		l.Addr = s.address
		r, err := l.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if float64(r.Sent) >= l.Rate*l.Duration.Seconds()/2 {
			return s, r
		}
		if time.Now().After(limit) {
			t.Fatalf("%d sent in %v at %v a second", r.Sent, r.Elapsed, l.Rate)
		}
	}
}

// Whoever measures learns of every report by its device and its time.
func TestLoadTellsWhatIsSent(t *testing.T) {
	for _, name := range []string{"gt06", "teltonika"} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, name, nil)
			var mu sync.Mutex
			told := map[string]bool{}
			l := Load{Protocol: name, Addr: s.address, Devices: 3, FirstDevice: 50, Rate: 300, Sent: func(device int, fix, now time.Time) {
				mu.Lock()
				defer mu.Unlock()
				told[IMEI(50+device)+fix.UTC().Format(time.StampMilli)] = !now.IsZero()
			}}
			crowd, err := l.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer crowd.Close()
			limit := time.Now().Add(patience)
			for i := 0; i < 2 || !fromEach(s, 3, 1)() && time.Now().Before(limit); i++ {
				crowd.SetDuration(50 * time.Millisecond)
				if r, err := crowd.Run(t.Context()); err != nil {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for id, list := range s.positions {
				for _, p := range list {
					if !told[id+p.FixTime.Format(time.StampMilli)] {
						t.Errorf("nobody was told of %s at %s", id, p.FixTime)
					}
				}
			}
			if len(s.positions) != 3 {
				t.Errorf("%d devices", len(s.positions))
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	s := startServer(t, "gt06", func(s *server) { s.refuse = func(string) bool { return true } })
	if _, err := (Load{Protocol: "gt06", Addr: s.address, Devices: 3}).Run(t.Context()); !errors.Is(err, errRefused) {
		t.Errorf("strangers: %v", err)
	}
	if _, err := (Load{Protocol: "gt06", Addr: "127.0.0.1:1", Devices: 3}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "connect device") {
		t.Errorf("nobody listens: %v", err)
	}
	silent := startServer(t, "gt06", func(s *server) { s.silent = 1000 })
	for _, rate := range []float64{0, 10} {
		l := Load{Protocol: "gt06", Addr: silent.address, Devices: 1, Rate: rate, Timeout: 100 * time.Millisecond}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := l.Run(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("no answer at rate %v: %v", rate, err)
		}
		cancel()
	}
	for _, bad := range []Load{
		{Protocol: "h02", Addr: "a:1", Devices: 1},
		{Protocol: "gt06", Devices: 1},
		{Protocol: "gt06", Addr: "a:1"},
		{Protocol: "gt06", Addr: "a:1", Devices: 1, Batch: 101},
		{Protocol: "gt06", Addr: "a:1", Devices: 1, Rate: -1},
	} {
		if _, err := bad.Run(t.Context()); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
