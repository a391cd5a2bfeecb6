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
	return b.subscribe(data.SubjectCommands, func(m *nats.Msg) error {
		c, err := data.DecodeMessage[data.CommandChange](m.Data)
		if err == nil {
			f(c)
		}
		return err
	})
}

// PublishHolder tells every tracker that a device has connected to one.
func (b *Bus) PublishHolder(h data.DeviceHolder) error {
	if err := b.conn.Publish(data.SubjectHolders, data.EncodeMessage(h)); err != nil {
		return fmt.Errorf("publish holder of a device: %w", err)
	}
	return nil
}

// SubscribeHolders calls f for every device that connects, one call at a time.
func (b *Bus) SubscribeHolders(f func(data.DeviceHolder)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectHolders, func(m *nats.Msg) error {
		h, err := data.DecodeMessage[data.DeviceHolder](m.Data)
		if err == nil {
			f(h)
		}
		return err
	})
}

// commandTypesTimeout bounds the question for the commands of a protocol.
const commandTypesTimeout = time.Second

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
