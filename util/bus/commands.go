package bus

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/waymark-gps/waymark/data"
)

// PublishCommand tells every service that a command was queued, or what has
// become of it.
func (b *Bus) PublishCommand(c data.CommandChange) error {
	if err := b.conn.Publish(data.SubjectCommands, data.EncodeMessage(c)); err != nil {
		return fmt.Errorf("publish command change: %w", err)
	}
	return nil
}

// SubscribeCommands calls f for every change of a command, one call at a time.
func (b *Bus) SubscribeCommands(f func(data.CommandChange)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectCommands, func(m *nats.Msg) error { return deliver(m, f) })
}

// flushTimeout bounds a wait for the server to answer. It is long because the
// disk of a busy server may hold it up.
const flushTimeout = 5 * time.Second

// PublishHolder tells every tracker that a device has connected to one. It
// returns when the server has the message, so that the trackers hear of a
// command that somebody queues from now on after it. Without a connection the
// message is kept until there is one again.
func (b *Bus) PublishHolder(h data.DeviceHolder) error {
	err := b.conn.Publish(data.SubjectHolders, data.EncodeMessage(h))
	if err == nil {
		err = b.flush()
	}
	if err != nil {
		return fmt.Errorf("publish holder of a device: %w", err)
	}
	return nil
}

// SubscribeDownlink calls changed for every change of a command and held for
// every device that connects, one call at a time and in the order in which the
// messages came.
func (b *Bus) SubscribeDownlink(changed func(data.CommandChange), held func(data.DeviceHolder)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectDownlink, func(m *nats.Msg) error {
		switch m.Subject {
		case data.SubjectCommands:
			return deliver(m, changed)
		case data.SubjectHolders:
			return deliver(m, held)
		}
		return fmt.Errorf("no such subject: %w", data.ErrInvalid)
	})
}

// flush waits until the server has what was published and subscribed. Without a
// connection it does not wait: that is sent when there is one again.
func (b *Bus) flush() error {
	if !b.conn.IsConnected() {
		return nil
	}
	return b.conn.FlushTimeout(flushTimeout)
}

// deliver decodes a message and hands it to f.
func deliver[T data.CommandChange | data.DeviceHolder](m *nats.Msg, f func(T)) error {
	v, err := data.DecodeMessage[T](m.Data)
	if err == nil {
		f(v)
	}
	return err
}

// commandTypesTimeout bounds the question for the commands of a protocol.
const commandTypesTimeout = 5 * time.Second

// AnswerCommandTypes answers CommandTypes of every service with what f returns.
func (b *Bus) AnswerCommandTypes(f func(protocol string) []string) (stop func(), err error) {
	return b.subscribe(data.SubjectCommandTypes, func(m *nats.Msg) error {
		return m.Respond([]byte(strings.Join(f(string(m.Data)), ",")))
	})
}

// CommandTypes asks a tracker which commands a protocol has. No tracker runs:
// data.ErrUnavailable.
func (b *Bus) CommandTypes(protocol string) ([]string, error) {
	m, err := b.conn.Request(data.SubjectCommandTypes, []byte(protocol), commandTypesTimeout)
	if err != nil {
		return nil, fmt.Errorf("ask for the commands of %s: %w: no tracker answers: %w", protocol, data.ErrUnavailable, err)
	}
	if len(m.Data) == 0 {
		return nil, nil
	}
	return strings.Split(string(m.Data), ","), nil
}
