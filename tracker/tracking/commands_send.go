package tracking

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
	"github.com/waymark-gps/waymark/util/storage"
)

// link is a way to a device: a connection, the address a datagram came from, or
// the answer to a request.
type link struct {
	deviceID  int64
	uniqueID  string
	protocol  *protocol.Protocol
	transport protocol.Transport
	w         transport.Writer
	// open says that the device has its first answer: a command before it would
	// reach a device that is not ready. The outbox's lock guards it.
	open bool
	// learned are settings for the encoder that the connection has shown.
	learned atomic.Pointer[protocol.Settings]
	// spoke is when the device spoke by it last. It is the session's.
	spoke time.Time
}

// lasting tells whether the device can be reached any time, and not only right
// after it has spoken.
func (l *link) lasting() bool { return l.transport == protocol.TCP || l.transport == protocol.MQTT }

// ready tells whether something written now can arrive, as far as is known.
func (l *link) ready() bool {
	w, ok := l.w.(topicWriter)
	return !ok || w.ready()
}

// work looks at what a device said and sends it what it may have. over tells
// that it has no open commands left.
func (o *outbox) work(ctx context.Context, deviceID int64, l, spoke *link, h heard) (over bool) {
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTimeout)
	defer cancel()
	list, err := o.deps.Commands.ListCommands(ask, storage.CommandFilter{DeviceIDs: []int64{deviceID}, States: data.OpenCommandStates})
	if err != nil {
		o.logErr(ask, "read commands", err)
		return false
	}
	o.settle(ctx, list, &h)
	if spoke != nil {
		l = spoke
	}
	for i := range list {
		if list[i].State == data.CommandQueued && !o.send(ctx, &list[i], l, spoke != nil, &h) {
			break
		}
	}
	return !slices.ContainsFunc(list, func(c data.QueuedCommand) bool { return c.State.Open() })
}

// send sends one command, or finds out why it cannot be sent. next says that
// the one behind it may have its turn: commands keep their order.
func (o *outbox) send(ctx context.Context, c *data.QueuedCommand, l *link, spoke bool, h *heard) (next bool) {
	now := o.now()
	if !c.ExpiresAt.After(now) {
		return true // expire ends it
	}
	if c.AfterReport && !spoke || !l.ready() {
		return false
	}
	if c.InterlockKmh > 0 {
		why, unknown := c.Interlock(o.lastPosition(ctx, c.DeviceID, h), now)
		if unknown {
			return false // until a report tells how fast the vehicle is
		}
		if why != "" {
			o.note(ctx, c, data.CommandStep{State: data.CommandFailed, Text: why})
			return true
		}
	}
	if !spoke && !o.leads(l) {
		return false // the device is connected elsewhere by now
	}
	b, err := o.encode(ctx, c, l)
	if errors.Is(err, data.ErrUnavailable) {
		o.logErr(ctx, "encode command", err)
		return false
	}
	if err != nil {
		o.note(ctx, c, data.CommandStep{State: data.CommandFailed, Text: err.Error()})
		return true
	}
	// It is written down as sent before the first byte leaves: whatever happens
	// now, it is never sent again.
	switch err := o.step(ctx, c, data.CommandStep{State: data.CommandSent, Owner: o.name}); {
	case errors.Is(err, data.ErrConflict), errors.Is(err, data.ErrNotFound):
		return true // somebody else was quicker, or took it back
	case err != nil:
		o.logErr(ctx, "send command", err)
		return false // not sent: it may be written down or not
	}
	n, err := l.w.Write(b)
	switch {
	case err == nil:
		return l.transport != protocol.HTTP // an answer has room for one
	case n == 0:
		// Nothing has left, so that it may be sent again, by the next connection.
		o.release(l)
		o.note(ctx, c, data.CommandStep{State: data.CommandQueued, Text: "the connection was gone"})
	default:
		o.release(l)
		o.note(ctx, c, data.CommandStep{State: data.CommandFailed, Text: "the connection broke while it was sent; the device may have got it or not"})
	}
	return false
}

// step writes the next step of a command and tells everybody. The command has
// changed meanwhile: data.ErrConflict.
func (o *outbox) step(ctx context.Context, c *data.QueuedCommand, s data.CommandStep) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTimeout)
	defer cancel()
	s.Time = o.now()
	changed, err := o.deps.Commands.ChangeCommand(ctx, c.ID, []data.CommandState{c.State}, s)
	if err != nil {
		return err
	}
	*c = changed
	o.tell(c)
	return nil
}

// note is step for what need not be known at once: if the store does not
// answer, the command expires instead.
func (o *outbox) note(ctx context.Context, c *data.QueuedCommand, s data.CommandStep) {
	if err := o.step(ctx, c, s); err != nil && !errors.Is(err, data.ErrConflict) {
		o.logErr(ctx, "change command", err)
	}
}

// lastPosition is the newest fix of a device, of what it has just said and of
// what is stored; nil if there is none.
func (o *outbox) lastPosition(ctx context.Context, deviceID int64, h *heard) *data.Position {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTimeout)
	defer cancel()
	stored, err := o.deps.Commands.LatestPositions(ctx, []int64{deviceID})
	if err != nil {
		o.logErr(ctx, "read last position", err)
	}
	var newest *data.Position
	for _, list := range [][]data.Position{stored, h.positions} {
		for i := range list {
			if p := &list[i]; p.Valid && !p.Outdated && (newest == nil || !p.FixTime.Before(newest.FixTime)) {
				newest = p
			}
		}
	}
	return newest
}

// encode writes a command for the device at the end of a link, whose settings
// may have changed since it connected.
func (o *outbox) encode(ctx context.Context, c *data.QueuedCommand, l *link) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			o.deps.Log.Error("encoder panicked", "protocol", l.protocol.Name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			b, err = nil, fmt.Errorf("the encoder of %s panicked", l.protocol.Name)
		}
	}()
	if l.protocol.Encode == nil {
		return nil, fmt.Errorf("%s: %w", l.protocol.Name, protocol.ErrUnsupported)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTimeout)
	defer cancel()
	device, err := o.deps.Devices.ByUniqueID(ctx, l.uniqueID)
	if err != nil {
		return nil, err
	}
	if device.ID != c.DeviceID || !device.Accepts(o.now()) {
		return nil, errors.New("the device is disabled, has expired, or has another identifier now")
	}
	settings := decoderSettings(device)
	if known := l.learned.Load(); known != nil {
		for name, v := range *known {
			if _, set := settings[name]; !set {
				settings[name] = v
			}
		}
	}
	switch l.transport {
	case protocol.UDP:
		settings["udp"] = true
	case protocol.MQTT:
		settings["mqtt"] = true
	}
	if p, ok := device.Attributes["devicePassword"]; ok && settings["password"] == nil {
		settings["password"] = p
	}
	return l.protocol.Encode(data.Command{Type: c.Type, UniqueID: device.UniqueID, Attributes: c.Attributes}, settings, o.now())
}

// settle gives what a device said to the commands it is about: an answer to the
// oldest one that waits for it.
func (o *outbox) settle(ctx context.Context, list []data.QueuedCommand, h *heard) {
	oldest := func(states ...data.CommandState) *data.QueuedCommand {
		for i := range list {
			if slices.Contains(states, list[i].State) {
				return &list[i]
			}
		}
		return nil
	}
	for _, a := range h.answers {
		if a.Refused {
			if c := oldest(data.CommandSent, data.CommandAcknowledged); c != nil {
				o.note(ctx, c, data.CommandStep{State: data.CommandFailed, Text: a.Text})
			}
		} else if c := oldest(data.CommandSent); c != nil {
			o.note(ctx, c, data.CommandStep{State: data.CommandAcknowledged, Text: a.Text})
		}
	}
	for _, text := range h.results {
		if c := oldest(data.CommandSent, data.CommandAcknowledged); c != nil {
			o.note(ctx, c, data.CommandStep{State: data.CommandConfirmed, Text: text})
		}
	}
	for i := range list {
		c := &list[i]
		for j := range h.positions {
			if c.State != data.CommandSent && c.State != data.CommandAcknowledged {
				break
			}
			if what, shown := c.ShownBy(&h.positions[j]); shown {
				o.note(ctx, c, data.CommandStep{State: data.CommandConfirmed, Text: what})
			}
		}
	}
}

// hold notes that a device can be reached by l from now on, and tells the other
// trackers.
func (o *outbox) hold(l *link) {
	o.mu.Lock()
	o.links[l.deviceID] = l
	o.mu.Unlock()
	if err := o.deps.CommandBus.PublishHolder(data.DeviceHolder{DeviceID: l.deviceID, Tracker: o.name}); err != nil {
		o.deps.Log.Warn("tell that a device is connected", "device", l.deviceID, "err", err)
	}
}

// opened notes that the first answer has left by l: now it takes commands.
func (o *outbox) opened(l *link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l.open = true
	o.kick(l.deviceID, nil, heard{})
}

// linkBy is the way to a device if it is by w, nil if it is another.
func (o *outbox) linkBy(deviceID int64, w transport.Writer) *link {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l := o.links[deviceID]; l != nil && l.w == w {
		return l
	}
	return nil
}

// arrived notes that the transport has an acknowledgement of a device for what
// was sent to it.
func (o *outbox) arrived(deviceID int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kick(deviceID, nil, heard{answers: []data.CommandAnswer{{}}})
}

// leads tells whether l is still the way to its device.
func (o *outbox) leads(l *link) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.links[l.deviceID] == l
}

// release notes that l leads nowhere any more.
func (o *outbox) release(l *link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.links[l.deviceID] == l {
		delete(o.links, l.deviceID)
	}
}

// spoke notes that a device has spoken by l and been answered.
func (o *outbox) spoke(l *link, h heard) {
	o.mu.Lock()
	lost := l.lasting() && o.links[l.deviceID] != l && o.devices[l.deviceID] != nil
	o.mu.Unlock()
	if lost { // somebody else had it in between
		o.hold(l)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kick(l.deviceID, l, h)
}

// listens tells whether what a device says may concern its commands. It is
// quick: mostly nobody has commands.
func (o *outbox) listens(deviceID int64) bool {
	if o.open.Load() == 0 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.devices[deviceID] != nil
}

// body is the answer to a request.
type body struct{ content []byte }

func (b *body) Write(p []byte) (int, error) {
	b.content = slices.Clone(p)
	return len(p), nil
}

// answer returns the command to put into the answer to a request, nil for none.
func (o *outbox) answer(ctx context.Context, p *protocol.Protocol, device data.Device, packet *data.Packet) []byte {
	if !o.listens(device.ID) {
		return nil
	}
	var b body
	l := &link{deviceID: device.ID, uniqueID: device.UniqueID, protocol: p, transport: protocol.HTTP, w: &b}
	o.work(ctx, device.ID, nil, l, hear(packet))
	return b.content
}

// hear picks out of a packet what may concern the commands of its device.
func hear(packet *data.Packet) (h heard) {
	if packet.Answer != nil {
		h.answers = append(h.answers, *packet.Answer)
	}
	for i := range packet.Positions {
		if text, ok := packet.Positions[i].Attributes.Get("result").Text(); ok {
			h.results = append(h.results, text)
		}
	}
	h.positions = last(slices.Clone(packet.Positions))
	return h
}

// learn notes what a codec has found out.
func (l *link) learn(c protocol.Codec) {
	if d, ok := c.(protocol.Descriptive); ok {
		known := maps.Clone(d.Describe())
		l.learned.Store(&known)
	}
}
