package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
)

// MaxBatch bounds the positions of one message.
const MaxBatch = 200

// Ack is a publish under way.
type Ack struct {
	shard int
	done  jetstream.PubAckFuture
}

// Wait returns when the batch is durable, or why it is not.
func (a Ack) Wait(ctx context.Context) error {
	select {
	case <-a.done.Ok():
		return nil
	case err := <-a.done.Err():
		return fmt.Errorf("publish positions of shard %d: %w", a.shard, publishError(err))
	case <-ctx.Done():
		return fmt.Errorf("publish positions of shard %d: no acknowledgement in time: %w", a.shard, data.ErrUnavailable)
	}
}

func publishError(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && strings.Contains(api.Description, "maximum bytes exceeded") {
		return fmt.Errorf("the backlog of positions is full (bus.max-backlog-mb): %w", data.ErrUnavailable)
	}
	return fmt.Errorf("%w: %w", data.ErrUnavailable, err)
}

// PublishPositions sends one batch of a shard, at most MaxBatch positions. The
// batch is on disk when Ack.Wait returns nil.
func (b *Bus) PublishPositions(shard int, positions []data.Position) (Ack, error) {
	done, err := b.js.PublishMsgAsync(&nats.Msg{
		Subject: data.PositionsSubject(shard),
		Data:    wire.Append(nil, positions),
	})
	if err != nil {
		return Ack{}, fmt.Errorf("publish positions of shard %d: %w", shard, publishError(err))
	}
	return Ack{shard, done}, nil
}

// Batch is one delivered message of positions.
type Batch struct {
	Positions []data.Position
	msg       jetstream.Msg
}

// Done says that the batch is stored and need not come again.
func (b Batch) Done() error { return b.msg.Ack() }

// Working asks for more time.
func (b Batch) Working() error { return b.msg.InProgress() }

// Batches hands out the positions that wait to be stored.
type Batches struct {
	bus  *Bus
	msgs jetstream.MessagesContext
	next chan Batch
	stop chan struct{}
	once sync.Once
	err  error // why next was closed; written before it is
}

// ConsumePositions starts to receive positions. A batch that is not Done comes
// again, after a restart too. Stop ends it.
func (b *Bus) ConsumePositions(ctx context.Context) (*Batches, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if b.Embedded() {
		// Nobody else holds batches, so what a killed process had in hand need
		// not wait for its time to run out.
		if err := b.stream.DeleteConsumer(ctx, consumerName); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil, fmt.Errorf("renew the consumer %s: %w", consumerName, err)
		}
	}
	consumer, err := b.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       consumerName,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: maxUnacked,
	})
	if err != nil {
		return nil, fmt.Errorf("create the consumer %s: %w", consumerName, err)
	}
	msgs, err := consumer.Messages(jetstream.PullMaxMessages(maxUnacked / 2))
	if err != nil {
		return nil, fmt.Errorf("receive positions: %w", err)
	}
	bs := &Batches{bus: b, msgs: msgs, next: make(chan Batch, maxUnacked/2), stop: make(chan struct{})}
	go bs.receive()
	return bs, nil
}

func (bs *Batches) receive() {
	defer close(bs.next)
	for {
		msg, err := bs.msgs.Next()
		switch {
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return
		case err != nil:
			if errors.Is(err, jetstream.ErrConsumerDeleted) {
				bs.err = err
				return
			}
			bs.bus.log.Warn("receive positions", "err", err)
			select {
			case <-time.After(time.Second): // the iterator asks again by itself
			case <-bs.stop:
			}
			continue
		}
		positions, err := wire.Parse(msg.Data())
		if err != nil {
			// It will not get better by coming again.
			bs.bus.log.Error("unreadable batch of positions dropped", "subject", msg.Subject(), "bytes", len(msg.Data()), "err", err)
			if err := msg.TermWithReason("unreadable"); err != nil {
				bs.bus.log.Warn("drop batch", "err", err)
			}
			continue
		}
		select {
		case bs.next <- Batch{positions, msg}:
		case <-bs.stop:
			return
		}
	}
}

// Next waits for batches and returns all that are there, until they hold max
// positions together. It returns an error when ctx ends or the stream is gone.
func (bs *Batches) Next(ctx context.Context, max int) ([]Batch, error) {
	var out []Batch
	n := 0
	take := func(b Batch, ok bool) error {
		if !ok {
			return fmt.Errorf("receive positions: stopped: %w", errors.Join(bs.err, data.ErrUnavailable))
		}
		out = append(out, b)
		n += len(b.Positions)
		return nil
	}
	select {
	case b, ok := <-bs.next:
		if err := take(b, ok); err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for n < max {
		select {
		case b, ok := <-bs.next:
			if err := take(b, ok); err != nil {
				return out, nil // what was taken is still to be done
			}
		default:
			return out, nil
		}
	}
	return out, nil
}

// Stop ends the receiving; batches handed out may still be Done, the others
// come again.
func (bs *Batches) Stop() {
	bs.once.Do(func() {
		close(bs.stop)
		bs.msgs.Stop()
	})
}
