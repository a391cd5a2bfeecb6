package data

import (
	"testing"
	"time"
)

func TestFingerprint(t *testing.T) {
	report := func() Position {
		p := Position{Protocol: "gt06", FixTime: time.UnixMilli(1).UTC(), Valid: true, Latitude: 1, Longitude: 2}
		p.Attributes.SetInt("sat", 3)
		return p
	}
	base := report()
	want := base.Fingerprint()

	same := report()
	same.ID, same.DeviceID, same.ServerTime = 1, 2, time.Now()
	if same.Fingerprint() != want {
		t.Error("ids and the time of arrival must not count")
	}
	for name, change := range map[string]func(*Position){
		"protocol":  func(p *Position) { p.Protocol = "gt0" },
		"fix time":  func(p *Position) { p.FixTime = p.FixTime.Add(time.Millisecond) },
		"valid":     func(p *Position) { p.Valid = false },
		"outdated":  func(p *Position) { p.Outdated = true },
		"latitude":  func(p *Position) { p.Latitude = 2 },
		"swapped":   func(p *Position) { p.Latitude, p.Longitude = p.Longitude, p.Latitude },
		"network":   func(p *Position) { p.Network = &Network{} },
		"attribute": func(p *Position) { p.Attributes.SetFloat("sat", 3) },
	} {
		p := report()
		change(&p)
		if p.Fingerprint() == want {
			t.Errorf("%s does not count", name)
		}
	}
}
