package tracking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
)

// broker takes the publications of every protocol that is spoken over MQTT. It
// implements transport.Broker.
type broker struct {
	t        *Tracker
	handlers []*handler
	out      transport.Sender
}

func newBroker(t *Tracker, out transport.Sender) *broker {
	b := &broker{t: t, out: out}
	for _, p := range t.deps.Protocols {
		if p.Transports&protocol.MQTT != 0 {
			b.handlers = append(b.handlers, &handler{t: t, protocol: p, count: t.metrics.protocol(p.Name)})
		}
	}
	return b
}

// of finds the protocol of a topic, and the device that it belongs to.
func (b *broker) of(topic string) (h *handler, uniqueID string) {
	for _, h := range b.handlers {
		if id := h.protocol.Phone.Device(topic); id != "" {
			return h, id
		}
	}
	return nil, ""
}

// device finds the device of a topic. The error wraps errRefused for strangers,
// for wrong passwords and for topics of nobody alike.
func (b *broker) device(ctx context.Context, w *work, m *protocol.Message, remote string, now time.Time) (*handler, data.Device, error) {
	h, id := b.of(m.Topic)
	if h == nil {
		return nil, data.Device{}, fmt.Errorf("topic of nobody: %w", errRefused)
	}
	devices, err := b.t.recogniseAll(ctx, h, w, &data.Packet{Identity: id}, host(remote), masked(m.Payload), now)
	if err != nil {
		return nil, data.Device{}, err
	}
	return h, devices[0], nil
}

// Connect implements transport.Broker. A client that names its topic in its last
// will, or its device as its user, must have the right password; others are
// asked when they publish.
func (b *broker) Connect(ctx context.Context, c transport.Client, will string, payload []byte) (topic string, ok bool) {
	if will != "" {
		w := work{proof: b.secret(c)}
		h, device, err := b.device(ctx, &w, &protocol.Message{Topic: will, Payload: payload}, c.Remote, b.t.deps.Now().UTC())
		if err != nil {
			return "", false
		}
		return h.protocol.Phone.Topic(device.UniqueID), true
	}
	for _, h := range b.handlers {
		topic := h.protocol.Phone.Topic(c.Username)
		if topic == "" || c.Username == "" {
			continue
		}
		device, err := b.t.deps.Devices.ByUniqueID(ctx, c.Username)
		if errors.Is(err, data.ErrNotFound) || err == nil && !hasToken(device) {
			continue // a name that proves nothing
		}
		return topic, err == nil && b.secret(c).knows(device)
	}
	return "", true
}

func (b *broker) secret(c transport.Client) proof { return proof{secrets: []string{c.Password}} }

// Reads implements transport.Broker: a client reads the topics of devices whose
// token it has. Where there is no token there is nobody to read.
func (b *broker) Reads(ctx context.Context, c transport.Client, topic string) bool {
	_, id := b.of(topic)
	if id == "" {
		return false
	}
	device, err := b.t.deps.Devices.ByUniqueID(ctx, id)
	return err == nil && device.Accepts(b.t.deps.Now()) && b.secret(c).knows(device)
}

// Publish implements transport.Broker.
func (b *broker) Publish(ctx context.Context, c transport.Client, topic string, payload []byte) error {
	return b.take(ctx, &protocol.Message{Topic: topic, Payload: payload}, b.secret(c), c.Remote)
}

// take makes the positions of a publication durable. One that cannot be read is
// counted and taken: sent again it would read no better.
func (b *broker) take(ctx context.Context, m *protocol.Message, by proof, remote string) error {
	now := b.t.deps.Now().UTC().Truncate(time.Millisecond)
	w := work{proof: by}
	h, device, err := b.device(ctx, &w, m, remote, now)
	if errors.Is(err, errRefused) {
		return errors.Join(err, transport.ErrRefused)
	}
	if err != nil {
		return err
	}
	m.Settings = decoderSettings(device)
	packet, err := h.protocol.Phone.MQTT(m, now)
	h.published(m, remote, device, &packet, err)
	if err != nil {
		h.count.unreadable.Inc()
		b.t.deps.Log.Debug("unreadable publication", "protocol", h.protocol.Name, "remote", remote, "device", device.UniqueID, "err", err)
		return nil
	}
	h.count.frames.Inc()
	if packet.Identity == "" && len(packet.Positions) == 0 {
		return nil // a command to the device, or the broker's word that it is gone
	}
	b.t.accept(&w, h, device, packet.Positions, now)
	if err := b.t.committer.commit(ctx, w.positions); err != nil {
		h.count.failed.Add(len(w.positions))
		return fmt.Errorf("make positions durable: %w", err)
	}
	h.count.positions.Add(len(w.positions))
	b.spoke(h, &device, &packet)
	return nil
}

// published logs a publication of a device, if somebody is watching.
func (h *handler) published(m *protocol.Message, remote string, device data.Device, packet *data.Packet, why error) {
	if !h.t.raw.wants(device.ID) {
		return
	}
	h.t.raw.add(data.LogLine{
		DeviceID: device.ID, UniqueID: device.UniqueID, Host: remote, Protocol: h.protocol.Name,
		Data: masked([]byte(m.Topic + "\n\n" + string(m.Payload))), Summary: summary(packet, why),
	})
}
