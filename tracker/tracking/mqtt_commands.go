package tracking

import (
	"context"
	"errors"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
)

// topicWriter sends commands to the topic on which a device takes them.
type topicWriter struct {
	out   transport.Sender
	topic string
}

// Write implements transport.Writer. The payload goes as a whole or not at all.
func (w topicWriter) Write(b []byte) (n int, err error) {
	err = w.out.Send(w.topic, b)
	if errors.Is(err, transport.ErrNobody) {
		return 0, err
	}
	return len(b), err
}

// ready tells whether it is worth the try.
func (w topicWriter) ready() bool { return w.out.Reaches(w.topic) }

// spoke notes that a device is at the other end of the broker and has said
// something.
func (b *broker) spoke(h *handler, device *data.Device, packet *data.Packet) {
	if b.t.deps.Commands == nil || h.protocol.Phone.Commands == nil {
		return
	}
	o := b.t.outbox
	w := topicWriter{b.out, h.protocol.Phone.Commands(device.UniqueID)}
	l := o.linkBy(device.ID, w)
	if l == nil {
		l = &link{deviceID: device.ID, uniqueID: device.UniqueID, protocol: &h.protocol, transport: protocol.MQTT, w: w}
		o.hold(l)
		o.opened(l)
	}
	if o.listens(device.ID) {
		o.spoke(l, hear(packet))
	}
}

// Acknowledged implements transport.Broker: the oldest command that is on its way
// to a device has arrived.
func (b *broker) Acknowledged(ctx context.Context, topic string) {
	_, id := b.of(topic)
	if id == "" {
		return
	}
	if device, err := b.t.deps.Devices.ByUniqueID(ctx, id); err == nil {
		b.t.outbox.arrived(device.ID)
	}
}
