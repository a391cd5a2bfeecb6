package simulator

import (
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
)

// Devices carry out commands that come between, answer them and go on.
func TestRunObeys(t *testing.T) {
	// what shows that the engine is stopped
	shows := map[string]func(p data.Position) bool{
		"gt06":      func(p data.Position) bool { on, _ := p.Attributes.Get("blocked").Bool(); return on },
		"jt808":     func(p data.Position) bool { on, _ := p.Attributes.Get("blocked").Bool(); return on },
		"teltonika": func(p data.Position) bool { on, _ := p.Attributes.Get("out1").Bool(); return on },
		"gl200":     func(p data.Position) bool { on, _ := p.Attributes.Get("out1").Bool(); return on },
		"h02": func(p data.Position) bool {
			text, _ := p.Attributes.Get("result").Text()
			return strings.HasPrefix(text, "S20,")
		},
	}
	for name, shown := range shows {
		t.Run(name, func(t *testing.T) {
			p, _ := all.ByName(name)
			command, err := p.Encode(data.Command{Type: "engineStop", UniqueID: IMEI(0)}, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			s := startServer(t, name, func(s *server) { s.command = command })
			stopped := func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, list := range append(s.results, s.positions[IMEI(0)]) {
					for _, p := range list {
						if shown(p) {
							return true
						}
					}
				}
				return false
			}
			r := runUntil(t, s, Config{Mix: mixOf(name, s), Devices: 1, Interval: 5 * time.Millisecond}, func() bool { return stopped() && arrived(s, 10)() })
			if r.Commands == 0 || r.Failures() > 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// positionPeriodic changes how often a device reports.
func TestRunReportsAsOftenAsTold(t *testing.T) {
	for _, name := range []string{"gt06", "teltonika", "h02", "jt808", "watch"} {
		t.Run(name, func(t *testing.T) {
			p, _ := all.ByName(name)
			command, err := p.Encode(data.Command{
				Type: "positionPeriodic", UniqueID: IMEI(0), Attributes: data.Attributes{{Key: "frequency", Value: data.Int(1)}},
			}, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			s := startServer(t, name, func(s *server) { s.command = command })
			// With an hour between two reports, nothing but the command brings a second one.
			r := runUntil(t, s, Config{Mix: mixOf(name, s), Devices: 1, Interval: time.Hour}, arrived(s, 2))
			if r.Commands == 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}
