package tracking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
)

const (
	// maxBadFrames is how many unreadable frames in a row end a connection.
	maxBadFrames = 16
	// maxNoise is how many bytes outside of frames end a connection.
	maxNoise = 64 << 10
	// maxAnonymous is how many frames a connection may send before it says who
	// the device is.
	maxAnonymous = 16
	// maxIdentity bounds what a device may call itself, in bytes.
	maxIdentity = 128
	// futureLimit is how far ahead of us a device's clock may be; a report from
	// beyond it is marked invalid, because it would hide all later ones.
	futureLimit = 24 * time.Hour
)

var (
	errRefused = errors.New("device refused")
	errNoise   = errors.New("nothing readable comes from this connection")
	errNobody  = fmt.Errorf("the device does not say who it is: %w", errRefused)
)

// handler serves one protocol.
type handler struct {
	t        *Tracker
	protocol protocol.Protocol
	count    *protocolMetrics
}

// Open implements transport.Handler.
func (h *handler) Open(tr protocol.Transport, remote net.Addr, w transport.Writer) transport.Session {
	s := &session{handler: h, codec: h.protocol.New(tr), transport: tr, remote: remote}
	s.w = toldWriter{w, s}
	return s
}

// session is one connection or datagram.
type session struct {
	*handler
	codec protocol.Codec
	// transport and w are how the device is reached.
	transport protocol.Transport
	w         transport.Writer
	remote    net.Addr
	calls     calls
	identity  string // the device of the connection, once it has said
	// configured says that the codec holds settings of that device
	configured bool
	settled    settled
	bad        int // unreadable frames in a row
	noise      int // bytes outside of frames
	// anonymous counts frames before the device has said who it is
	anonymous int
	// speaking is the device that spoke last, voices how many have since the last
	// answer.
	speaking atomic.Pointer[speaker]
	voices   int
}

// work is what one Receive gathers before it commits.
type work struct {
	positions []data.Position
	reply     []byte
	refusal   []byte
	refused   string        // the identity that was refused
	devices   []data.Device // of the packet at hand
	proof     proof
}

// works are those that nobody uses now.
var works = sync.Pool{New: func() any { return &work{} }}

// free gives w back, without what it held.
func (w *work) free() {
	clear(w.devices)
	*w = work{devices: w.devices[:0]}
	if cap(w.devices) <= maxFreeDevices {
		works.Put(w)
	}
}

// maxFreeDevices bounds the room that is kept for the devices of a packet.
const maxFreeDevices = 16

// joined is a with b behind it. One of them alone is not copied.
func joined[T any](a, b []T) []T {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return slices.Clip(b) // b may be one that everybody gets
	}
	return append(a, b...)
}

// Receive implements transport.Session.
func (s *session) Receive(ctx context.Context, buf []byte) (used int, reply []byte, err error) {
	w := works.Get().(*work)
	defer w.free()
	now := s.t.deps.Now().UTC().Truncate(time.Millisecond)
	used, err = s.read(ctx, buf, now, w)
	if cerr := s.t.committer.commit(ctx, w.positions); cerr != nil {
		s.count.failed.Add(len(w.positions))
		return used, nil, cerr
	}
	if len(w.positions) > 0 {
		s.count.positions.Add(len(w.positions))
	}
	reply = joined(w.reply, w.refusal)
	s.answered(reply)
	return used, reply, err
}

// read decodes every whole frame of buf.
func (s *session) read(ctx context.Context, buf []byte, now time.Time, w *work) (used int, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.count.panics.Inc()
			s.t.deps.Log.Error("decoder panicked", "protocol", s.protocol.Name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("decoder of %s panicked", s.protocol.Name)
		}
	}()
	for used < len(buf) {
		frame, n, err := s.codec.Next(buf[used:])
		if err != nil {
			s.count.broken.Inc()
			return used, fmt.Errorf("cut a frame: %w", err)
		}
		if n <= 0 {
			if most := cmp.Or(s.protocol.MaxFrame, protocol.DefaultMaxFrame); len(buf)-used > most {
				s.count.broken.Inc()
				return used, fmt.Errorf("no frame within %d bytes", most)
			}
			return used, nil
		}
		n = min(n, len(buf)-used)
		used += n
		if frame == nil {
			if s.noise += n; s.noise > maxNoise {
				s.count.broken.Inc()
				return used, errNoise
			}
			continue
		}
		if err := s.frame(ctx, buf[used-n:used], frame, now, w); err != nil {
			if errors.Is(err, errRefused) {
				s.listen(buf[used:], w.refused, now)
			}
			return used, err
		}
	}
	return used, nil
}

// frame decodes one frame, which raw is on the wire, and adds what it says to w.
func (s *session) frame(ctx context.Context, raw, frame []byte, now time.Time, w *work) error {
	packet, err := s.codec.Decode(frame, now)
	if err != nil {
		s.count.unreadable.Inc()
		s.t.deps.Log.Debug("unreadable frame", "protocol", s.protocol.Name, "remote", s.remote.String(), "device", s.identity, "err", err)
		s.heard(raw, s.speaker(), nil, err)
		if s.bad++; s.bad >= maxBadFrames {
			return errNoise
		}
		return nil
	}
	s.bad, s.noise = 0, 0
	s.count.frames.Inc()
	if s.protocol.ByAddress && s.transport == protocol.UDP {
		s.t.addresses.identify(&s.protocol, s.remote.String(), &packet, now)
	}
	if packet.Identity == "" {
		packet.Identity = s.identity
	}
	if packet.Identity == "" && len(packet.Positions) == 0 && len(packet.More) == 0 {
		// A handshake or a ping before the device says who it is.
		if s.anonymous++; s.anonymous > maxAnonymous {
			s.count.refused.Inc()
			return errNobody
		}
		s.heard(raw, speaker{}, &packet, nil)
		w.reply = joined(w.reply, packet.Reply)
		return nil
	}
	s.t.otherName(ctx, &packet)
	devices, err := s.t.recogniseAll(ctx, s.handler, w, &packet, s.remote, frame, now)
	if errors.Is(err, errRefused) {
		w.refusal, w.refused = packet.Refusal, packet.Identity
	}
	s.heard(raw, speakerOf(devices, &packet), &packet, err)
	if err != nil {
		return err
	}
	if devices[0].ID != 0 && (packet.Identity != s.identity || s.settled.differs(&devices[0])) {
		s.identity = packet.Identity
		s.configure(devices[0], frame, now, &packet)
	}
	if err := s.t.files.receive(ctx, s.handler, &devices[0], &packet, now); err != nil {
		return err
	}
	s.t.acceptAll(w, s.handler, devices, &packet, now)
	s.note(devices, &packet, now)
	w.reply = joined(w.reply, packet.Reply)
	return nil
}

// configure tells the codec the settings of the device that the connection now
// speaks for, or that were changed meanwhile. The packet at hand was decoded
// without them; where each
// message names its device (over UDP, always) it is the only one that counts,
// so it is decoded again.
func (s *session) configure(device data.Device, frame []byte, now time.Time, packet *data.Packet) {
	s.settled = settled{device.Attributes, device.Model}
	c, ok := s.codec.(protocol.Configurable)
	if !ok {
		return
	}
	settings := decoderSettings(device)
	changed := len(settings) > 0 || s.configured
	s.configured = len(settings) > 0
	c.Configure(settings)
	if !changed || len(packet.Positions) == 0 || len(packet.More) > 0 {
		return
	}
	again, err := s.codec.Decode(frame, now)
	if same := again.Identity == packet.Identity || again.Identity == "" || again.Alias == packet.Identity; err == nil && same && len(again.More) == 0 {
		again.Identity = packet.Identity
		*packet = again
	}
}

// Request implements transport.Handler.
func (h *handler) Request(ctx context.Context, r *protocol.Request, remote string) (status int, body []byte) {
	var packet data.Packet
	var devices []data.Device
	var err error
	defer func() { h.asked(r, remote, speakerOf(devices, &packet), &packet, status, body, err) }()
	defer func() {
		if p := recover(); p != nil {
			h.count.panics.Inc()
			h.t.deps.Log.Error("decoder panicked", "protocol", h.protocol.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			status, body = http.StatusInternalServerError, nil
		}
	}()
	now := h.t.deps.Now().UTC().Truncate(time.Millisecond)
	packet, err = h.protocol.HTTP(r, now)
	if err != nil {
		h.count.unreadable.Inc()
		return http.StatusBadRequest, []byte(err.Error() + "\n")
	}
	h.count.frames.Inc()
	w := work{proof: h.proof(r)}
	raw := []byte(r.Query)
	if len(raw) == 0 {
		raw = r.Body
	}
	devices, err = h.t.recogniseAll(ctx, h, &w, &packet, host(remote), masked(raw), now)
	switch {
	case errors.Is(err, errRefused) && packet.RefusalStatus != 0:
		return packet.RefusalStatus, packet.Refusal
	case errors.Is(err, errRefused):
		return http.StatusNotFound, packet.Refusal
	case err != nil:
		h.t.deps.Log.Warn("request not served", "protocol", h.protocol.Name, "err", err)
		return http.StatusServiceUnavailable, []byte("try again later\n")
	}
	if err = h.again(devices[0], r, &packet, now); err != nil {
		h.count.unreadable.Inc()
		return http.StatusBadRequest, []byte(err.Error() + "\n")
	}
	h.t.acceptAll(&w, h, devices, &packet, now)
	if err = h.t.committer.commit(ctx, w.positions); err != nil {
		h.count.failed.Add(len(w.positions))
		h.t.deps.Log.Warn("positions not durable", "protocol", h.protocol.Name, "err", err)
		return http.StatusServiceUnavailable, []byte("try again later\n")
	}
	h.count.positions.Add(len(w.positions))
	if command := h.t.outbox.answer(ctx, &h.protocol, devices[0], &packet); command != nil {
		return http.StatusOK, command
	}
	h.befriend(ctx, devices[0], w.proof, &packet)
	return http.StatusOK, packet.Reply
}

// host is a network address in words. A net.Addr is put into words only when
// somebody reads them.
type host string

func (h host) String() string { return string(h) }

// recognise finds the device of an identity. A stranger is registered if the
// configuration says so, else noted and refused.
func (t *Tracker) recognise(ctx context.Context, h *handler, identity string, remote fmt.Stringer, frame []byte, now time.Time) (data.Device, error) {
	if identity == "" || len(identity) > maxIdentity || strings.ContainsFunc(identity, func(r rune) bool { return r < ' ' }) {
		h.count.refused.Inc()
		return data.Device{}, errNobody
	}
	device, err := t.deps.Devices.ByUniqueID(ctx, identity)
	if errors.Is(err, data.ErrNotFound) && t.cfg.RegisterUnknown {
		device, err = t.register(ctx, identity)
	}
	if errors.Is(err, data.ErrNotFound) {
		h.count.refused.Inc()
		t.sightings.stranger(&h.protocol, identity, remote.String(), frame, now)
		return data.Device{}, fmt.Errorf("device %q is not registered: %w", identity, errRefused)
	}
	if err != nil {
		return data.Device{}, fmt.Errorf("look up device %q: %w", identity, err)
	}
	if !device.Accepts(now) {
		h.count.refused.Inc()
		return data.Device{}, fmt.Errorf("device %q is disabled or has expired: %w", identity, errRefused)
	}
	return device, nil
}

func (t *Tracker) register(ctx context.Context, identity string) (data.Device, error) {
	d := data.Device{Name: identity, UniqueID: identity}
	err := t.deps.Store.CreateDevice(ctx, &d)
	if err != nil && !errors.Is(err, data.ErrConflict) {
		return d, err
	}
	change := data.DeviceChange{ID: d.ID, UniqueID: identity}
	// The bus tells the others in a moment; the device's next frame is here now.
	t.deps.Devices.Invalidate(change)
	if perr := t.deps.Bus.PublishDevice(change); perr != nil {
		t.deps.Log.Warn("announce device", "device", identity, "err", perr)
	}
	if err != nil { // somebody else was quicker
		return t.deps.Devices.ByUniqueID(ctx, identity)
	}
	t.deps.Log.Info("device registered", "device", identity)
	return d, nil
}

// recogniseAll finds the devices of a packet and of those it carries along, in
// that order. Of several devices those that are refused have a zero ID; it is
// an error only if none is left, so that one stranger does not silence a relay.
func (t *Tracker) recogniseAll(ctx context.Context, h *handler, w *work, packet *data.Packet, remote fmt.Stringer, frame []byte, now time.Time) ([]data.Device, error) {
	devices := w.devices[:0]
	known := 0
	var refusal error
	for i := range 1 + len(packet.More) {
		identity := packet.Identity
		if i > 0 {
			identity = packet.More[i-1].Identity
		}
		device, err := t.recognise(ctx, h, identity, remote, frame, now)
		if err == nil && !w.proof.admits(device) {
			h.count.refused.Inc()
			t.deps.Log.Debug("message without the device's "+tokenAttribute, "device", identity, "protocol", h.protocol.Name)
			device, err = data.Device{}, fmt.Errorf("device %q has another %s: %w", identity, tokenAttribute, errRefused)
		}
		switch {
		case errors.Is(err, errRefused):
			refusal = err
			t.sightings.reported(h.protocol.Name, identity, positionsOf(packet, i))
		case err != nil:
			return nil, err
		default:
			known++
		}
		devices = append(devices, device)
	}
	w.devices = devices
	if known == 0 {
		return nil, refusal
	}
	return devices, nil
}

// acceptAll adds the positions of the devices that are not refused to w.
func (t *Tracker) acceptAll(w *work, h *handler, devices []data.Device, packet *data.Packet, now time.Time) {
	t.accept(w, h, devices[0], packet.Positions, now)
	for i := range packet.More {
		t.accept(w, h, devices[i+1], packet.More[i].Positions, now)
	}
}

// accept stamps the positions of a device and adds them to w.
func (t *Tracker) accept(w *work, h *handler, device data.Device, positions []data.Position, now time.Time) {
	if device.ID == 0 {
		return
	}
	if len(positions) == 0 {
		t.sightings.device(device.ID, now)
		return
	}
	for i := range positions {
		p := &positions[i]
		p.DeviceID = device.ID
		p.Protocol = h.protocol.Name
		p.ServerTime = now
		stamp(p, now)
	}
	w.positions = joined(w.positions, positions)
}
