package bus

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/waymark-gps/waymark/data"
)

// PublishLogs tells whoever is watching what devices and trackers said.
func (b *Bus) PublishLogs(batch data.LogBatch) error {
	if err := b.conn.Publish(data.SubjectLogs, data.EncodeMessage(batch)); err != nil {
		return fmt.Errorf("publish log lines: %w", err)
	}
	return nil
}

// SubscribeLogs calls f for every batch of lines, one call at a time.
func (b *Bus) SubscribeLogs(f func(data.LogBatch)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectLogs, func(m *nats.Msg) error {
		batch, err := data.DecodeMessage[data.LogBatch](m.Data)
		if err == nil {
			f(batch)
		}
		return err
	})
}

// PublishLogInterest tells every tracker that somebody is watching.
func (b *Bus) PublishLogInterest(i data.LogInterest) error {
	if err := b.conn.Publish(data.SubjectLogInterest, data.EncodeMessage(i)); err != nil {
		return fmt.Errorf("publish interest in logs: %w", err)
	}
	return nil
}

// SubscribeLogInterest calls f whenever somebody says that he is watching, one
// call at a time.
func (b *Bus) SubscribeLogInterest(f func(data.LogInterest)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectLogInterest, func(m *nats.Msg) error {
		i, err := data.DecodeMessage[data.LogInterest](m.Data)
		if err == nil {
			f(i)
		}
		return err
	})
}
