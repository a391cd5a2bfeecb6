package events

import "github.com/waymark-gps/waymark/data"

// move tells of a device that moves and stops, as trips see it: not when a
// parked device's place drifts, nor at every traffic light.
func (s *State) move(r *report, moving, first bool, out []data.Event) []data.Event {
	if moving == s.moving {
		return out
	}
	s.moving = moving
	switch {
	case first:
		return out
	case moving:
		return append(out, r.event(data.EventDeviceMoving))
	}
	return append(out, r.event(data.EventDeviceStopped))
}

// ignite tells of an ignition that goes on and off.
func (s *State) ignite(r *report, now tri, out []data.Event) []data.Event {
	was := s.ignition
	if now == unknown || now == was {
		return out
	}
	s.ignition = now
	switch {
	case was == unknown:
		return out
	case now == on:
		return append(out, r.event(data.EventIgnitionOn))
	}
	return append(out, r.event(data.EventIgnitionOff))
}

// maxDriver bounds what is kept of a driver's number, in bytes.
const maxDriver = 64

// drive tells that somebody else drives, or that somebody does who has not said
// so before.
func (s *State) drive(r *report, driver string, first bool, out []data.Event) []data.Event {
	driver = driver[:min(len(driver), maxDriver)]
	if driver == "" || driver == s.driver {
		return out
	}
	s.driver = driver
	if first {
		return out
	}
	e := r.event(data.EventDriverChanged)
	e.Detail = driver
	e.Attributes.SetString("driverUniqueId", driver)
	return append(out, e)
}

// attach tells of the files that a report brings.
func (s *State) attach(r *report, a *attributes, out []data.Event) []data.Event {
	if a.image == "" && a.video == "" && a.audio == "" || r.time <= s.media {
		return out
	}
	s.media = r.time
	for _, m := range [...]struct{ kind, file string }{{"image", a.image}, {"video", a.video}, {"audio", a.audio}} {
		if m.file == "" {
			continue
		}
		e := r.event(data.EventMedia)
		e.Detail = m.kind
		e.Attributes.SetString("media", m.kind)
		e.Attributes.SetString("file", m.file)
		out = append(out, e)
	}
	return out
}
