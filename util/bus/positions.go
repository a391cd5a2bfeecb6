package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
)

const (
	// MaxBatch bounds the positions of one message.
	MaxBatch = 200
	// maxMessage is the size above which a batch is divided, in bytes. It is well
	// below the largest message a NATS server takes unless told otherwise, 1 MiB.
	maxMessage = 512 << 10
)

// Ack is a publish under way.
type Ack struct {
	bus   *Bus
	shard int
	done  []jetstream.PubAckFuture
}

// Wait returns when the batch is durable, or why it is not.
func (a Ack) Wait(ctx context.Context) error {
	for _, done := range a.done {
		select {
		case <-done.Ok():
		case err := <-done.Err():
			return fmt.Errorf("publish positions of shard %d: %w", a.shard, a.bus.publishError(err))
		case <-ctx.Done():
			return fmt.Errorf("publish positions of shard %d: no acknowledgement in time: %w", a.shard, data.ErrUnavailable)
		}
	}
	return nil
}

func (b *Bus) publishError(err error) error {
	if b.server != nil {
		if trouble := b.server.trouble(); trouble != nil {
			return trouble
		}
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && strings.Contains(api.Description, "maximum bytes exceeded") {
		return fmt.Errorf("the backlog of positions is full (bus.max-backlog-mb): %w", data.ErrUnavailable)
	}
	return fmt.Errorf("%w: %w", data.ErrUnavailable, err)
}

// PublishPositions sends one batch of a shard, at most MaxBatch positions. The
// batch is on disk, with an external cluster on most of its disks, when
// Ack.Wait returns nil. It fails at once while the bus is not connected.
func (b *Bus) PublishPositions(shard int, positions []data.Position) (Ack, error) {
	if !b.conn.IsConnected() {
		return Ack{}, fmt.Errorf("publish positions of shard %d: %w", shard, b.publishError(errors.New("the bus is not connected")))
	}
	a := Ack{bus: b, shard: shard, done: make([]jetstream.PubAckFuture, 0, 1)}
	if err := a.publish(positions); err != nil {
		return Ack{}, fmt.Errorf("publish positions of shard %d: %w", shard, err)
	}
	return a, nil
}

// publish sends the positions in one message, or in halves while that is too
// large.
func (a *Ack) publish(positions []data.Position) error {
	message := wire.Append(nil, positions)
	if half := len(positions) / 2; half > 0 && len(message) > maxMessage {
		if err := a.publish(positions[:half]); err != nil {
			return err
		}
		return a.publish(positions[half:])
	}
	done, err := a.bus.js.PublishMsgAsync(&nats.Msg{Subject: data.PositionsSubject(a.shard), Data: message})
	if err != nil {
		return a.bus.publishError(err)
	}
	a.done = append(a.done, done)
	return nil
}
