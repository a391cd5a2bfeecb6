package tracking

import (
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// calls are what a session knows of the commands of its devices.
type calls struct {
	// link leads to the device that spoke last, links to all of the connection,
	// once there are several.
	link  *link
	links map[int64]*link
	// fresh are those by which nothing has been answered yet.
	fresh []*link
	// spoken are the devices that spoke in the last Receive and have commands.
	spoken []spoken
}

type spoken struct {
	link  *link
	heard heard
}

// note remembers what the devices of a packet said, those that are not refused.
func (s *session) note(devices []data.Device, packet *data.Packet, now time.Time) {
	if s.t.deps.Commands == nil {
		return
	}
	s.noteOne(&devices[0], packet, now)
	for i := range packet.More {
		s.noteOne(&devices[i+1], &packet.More[i], now)
	}
}

func (s *session) noteOne(device *data.Device, packet *data.Packet, now time.Time) {
	if device.ID == 0 {
		return
	}
	listens := s.t.outbox.listens(device.ID)
	if !listens && s.transport != protocol.TCP {
		return
	}
	l := s.linkTo(device)
	l.spoke = now
	if !listens {
		return
	}
	l.learn(s.codec)
	c := &s.calls
	if n := len(c.spoken); n > 0 && c.spoken[n-1].link == l {
		c.spoken[n-1].heard.add(hear(packet))
		return
	}
	c.spoken = append(c.spoken, spoken{l, hear(packet)})
}

// linkTo is the way to a device of this connection. When the device speaks here
// for the first time it becomes the one.
func (s *session) linkTo(device *data.Device) *link {
	c := &s.calls
	if c.link != nil && c.link.deviceID == device.ID {
		return c.link
	}
	l := c.links[device.ID]
	if l == nil {
		l = &link{deviceID: device.ID, uniqueID: device.UniqueID, protocol: &s.protocol, transport: s.transport, w: s.w}
		l.learn(s.codec)
		if c.link != nil {
			if c.links == nil {
				c.links = map[int64]*link{c.link.deviceID: c.link}
			}
			c.links[device.ID] = l
		}
		if l.lasting() {
			s.t.outbox.hold(l)
			c.fresh = append(c.fresh, l)
		}
	}
	c.link = l
	return l
}

// Answered implements transport.Session: now the devices listen to us.
func (s *session) Answered() {
	c := &s.calls
	for _, l := range c.fresh {
		s.t.outbox.opened(l)
	}
	c.fresh = nil
	for i := range c.spoken {
		s.t.outbox.spoke(c.spoken[i].link, c.spoken[i].heard)
		c.spoken[i] = spoken{}
	}
	c.spoken = c.spoken[:0]
}

// Close implements transport.Session.
func (s *session) Close() {
	c := &s.calls
	if c.link != nil {
		s.leave(c.link)
	}
	for _, l := range c.links {
		s.leave(l)
	}
}

// leave ends the way to a device. That of a datagram says nothing about it.
func (s *session) leave(l *link) {
	s.t.outbox.release(l)
	if l.transport == protocol.TCP && !slices.Contains(s.t.cfg.KeepOnline, s.protocol.Name) {
		s.t.sightings.left(l.deviceID, data.Disconnection{Spoke: l.spoke, At: s.t.deps.Now().UTC().Truncate(time.Millisecond)})
	}
}
