package bus

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/waymark-gps/waymark/data"
)

const (
	// maxEvents and maxSeen bound what goes into one message: some kB for each
	// event, 25 bytes for each device.
	maxEvents = 100
	maxSeen   = 10_000
)

// PublishEvents tells whoever is watching about events that were stored or are
// over, see data.Event. The store has them all; this may lose some.
func (b *Bus) PublishEvents(events []data.Event) error {
	for of := range slices.Chunk(events, maxEvents) {
		if err := b.conn.Publish(data.SubjectEvents, data.EncodeMessage(data.EventBatch{Events: of})); err != nil {
			return fmt.Errorf("publish events: %w", err)
		}
	}
	return nil
}

// SubscribeEvents calls f for every batch of events, one call at a time.
func (b *Bus) SubscribeEvents(f func([]data.Event)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectEvents, func(m *nats.Msg) error {
		batch, err := data.DecodeMessage[data.EventBatch](m.Data)
		if err == nil {
			f(batch.Events)
		}
		return err
	})
}

// PublishSeen tells when devices spoke that left no position.
func (b *Bus) PublishSeen(seen map[int64]time.Time) error {
	for of := range slices.Chunk(slices.Collect(maps.Keys(seen)), maxSeen) {
		m := data.DevicesSeen{Devices: make(map[int64]int64, len(of))}
		for _, id := range of {
			m.Devices[id] = seen[id].UnixMilli()
		}
		if err := b.conn.Publish(data.SubjectSeen, data.EncodeMessage(m)); err != nil {
			return fmt.Errorf("publish devices seen: %w", err)
		}
	}
	return nil
}

// SubscribeSeen calls f with the devices that spoke and when (UTC), one call at
// a time.
func (b *Bus) SubscribeSeen(f func(map[int64]time.Time)) (unsubscribe func(), err error) {
	return b.subscribe(data.SubjectSeen, func(m *nats.Msg) error {
		message, err := data.DecodeMessage[data.DevicesSeen](m.Data)
		if err != nil {
			return err
		}
		seen := make(map[int64]time.Time, len(message.Devices))
		for id, ms := range message.Devices {
			seen[id] = time.UnixMilli(ms).UTC()
		}
		f(seen)
		return nil
	})
}
