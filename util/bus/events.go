package bus

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
)

// PublishLive tells whoever is watching about stored positions of one shard.
func (b *Bus) PublishLive(shard int, positions []data.Position) error {
	if err := b.conn.Publish(data.LiveSubject(shard), wire.Append(nil, positions)); err != nil {
		return fmt.Errorf("publish live positions: %w", err)
	}
	return nil
}

// SubscribeLive calls f for every batch of stored positions, one call at a time.
func (b *Bus) SubscribeLive(f func([]data.Position)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectLive+".*", func(m *nats.Msg) error {
		positions, err := wire.Parse(m.Data)
		if err == nil {
			f(positions)
		}
		return err
	})
}

// PublishDevice tells every service that a device was added, changed or removed.
func (b *Bus) PublishDevice(c data.DeviceChange) error {
	if err := b.conn.Publish(data.SubjectDevices, data.EncodeMessage(c)); err != nil {
		return fmt.Errorf("publish device change: %w", err)
	}
	return nil
}

// SubscribeDevices calls f for every change of a device, one call at a time.
func (b *Bus) SubscribeDevices(f func(data.DeviceChange)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectDevices, func(m *nats.Msg) error {
		c, err := data.DecodeMessage[data.DeviceChange](m.Data)
		if err == nil {
			f(c)
		}
		return err
	})
}

// PublishUser tells every service that an account changed.
func (b *Bus) PublishUser(c data.UserChange) error {
	if err := b.conn.Publish(data.SubjectUsers, data.EncodeMessage(c)); err != nil {
		return fmt.Errorf("publish user change: %w", err)
	}
	return nil
}

// SubscribeUsers calls f for every change of an account, one call at a time.
func (b *Bus) SubscribeUsers(f func(data.UserChange)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectUsers, func(m *nats.Msg) error {
		c, err := data.DecodeMessage[data.UserChange](m.Data)
		if err == nil {
			f(c)
		}
		return err
	})
}

// PublishAccess tells every service that what people may see has changed.
func (b *Bus) PublishAccess(c data.AccessChange) error {
	if err := b.conn.Publish(data.SubjectAccess, data.EncodeMessage(c)); err != nil {
		return fmt.Errorf("publish access change: %w", err)
	}
	return nil
}

// SubscribeAccess calls f for every change of what people may see, one call at
// a time.
func (b *Bus) SubscribeAccess(f func(data.AccessChange)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectAccess, func(m *nats.Msg) error {
		c, err := data.DecodeMessage[data.AccessChange](m.Data)
		if err == nil {
			f(c)
		}
		return err
	})
}

// PublishObject tells every service that an object was changed or removed.
func (b *Bus) PublishObject(c data.ObjectChange) error {
	if err := b.conn.Publish(data.SubjectObjects, data.EncodeMessage(c)); err != nil {
		return fmt.Errorf("publish object change: %w", err)
	}
	return nil
}

// SubscribeObjects calls f for every change of an object, one call at a time.
func (b *Bus) SubscribeObjects(f func(data.ObjectChange)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectObjects, func(m *nats.Msg) error {
		c, err := data.DecodeMessage[data.ObjectChange](m.Data)
		if err == nil {
			f(c)
		}
		return err
	})
}

// PublishNotice tells the open pages of a user about an event.
func (b *Bus) PublishNotice(n data.Notice) error {
	if err := b.conn.Publish(data.SubjectNotices, data.EncodeMessage(n)); err != nil {
		return fmt.Errorf("publish notice: %w", err)
	}
	return nil
}

// SubscribeNotices calls f for every event for a user's pages, one call at a time.
func (b *Bus) SubscribeNotices(f func(data.Notice)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectNotices, func(m *nats.Msg) error {
		n, err := data.DecodeMessage[data.Notice](m.Data)
		if err == nil {
			f(n)
		}
		return err
	})
}

// botNameTimeout bounds the question for the bot's name. Where no bot runs the
// server says so at once.
const botNameTimeout = 5 * time.Second

// AnswerBotName answers BotName of every service with what f returns.
func (b *Bus) AnswerBotName(f func() string) (stop func(), err error) {
	return b.subscribe(data.SubjectBotName, func(m *nats.Msg) error { return m.Respond([]byte(f())) })
}

// BotName asks for the user name of the Telegram bot, without @. It is empty
// while no bot runs.
func (b *Bus) BotName() string {
	m, err := b.conn.Request(data.SubjectBotName, nil, botNameTimeout)
	if err != nil {
		return ""
	}
	return string(m.Data)
}

// maxWaiting bounds the messages a subscriber may be behind; beyond it the
// client library drops messages and reports a slow consumer.
const maxWaiting = 4096

// subscribe returns when the server knows of it: what anybody publishes later is
// heard.
func (b *Bus) subscribe(subject string, f func(*nats.Msg) error) (unsubscribe func(), err error) {
	sub, err := b.conn.Subscribe(subject, func(m *nats.Msg) {
		if err := f(m); err != nil {
			b.log.Warn("message dropped", "subject", m.Subject, "err", err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	unsubscribe = func() {
		if err := sub.Unsubscribe(); err != nil {
			b.log.Debug("unsubscribe", "subject", subject, "err", err)
		}
	}
	if err = sub.SetPendingLimits(maxWaiting, 64<<20); err == nil {
		err = b.flush()
	}
	if err != nil {
		unsubscribe()
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	return unsubscribe, nil
}
