package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
)

// openConsumer makes a new consumer that begins with the oldest batch that is
// not Done. What stood on an older one, of this process or of one that has left
// the group, is delivered at once, and in order, since a batch that is Done
// is no longer in the stream. So nothing of a consumer is worth keeping on disk.
//
// A cluster that is choosing a leader does not answer at all, so a question is
// not waited for long before it is asked again.
func (bs *Batches) openConsumer(ctx context.Context, name string, subjects []string) (jetstream.Consumer, error) {
	bs.wait = min(max(2*bs.wait, minOpen), connectTimeout)
	ctx, cancel := context.WithTimeout(ctx, bs.wait)
	defer cancel()
	if err := bs.bus.updateStream(ctx); err != nil {
		return nil, err
	}
	if err := bs.deleteOrphans(ctx, name); err != nil {
		return nil, err
	}
	consumer, err := bs.bus.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:        name,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        ackWait,
		MaxAckPending:  maxUnacked,
		FilterSubjects: subjects,
		MemoryStorage:  true,
	})
	if err != nil {
		return nil, fmt.Errorf("create the consumer %s: %w", name, err)
	}
	bs.wait = 0
	return consumer, nil
}

// minOpen bounds the first try to make a consumer; the next ones have twice as
// much, up to connectTimeout.
const minOpen = 2 * time.Second

// deleteOrphans deletes the consumer called name, and those whose process is
// not in the group: two consumers of one subject cannot be.
func (bs *Batches) deleteOrphans(ctx context.Context, name string) error {
	var t table
	if bs.group != nil {
		var err error
		if t, _, err = bs.group.read(ctx); err != nil {
			return err
		}
	}
	names := bs.bus.stream.ConsumerNames(ctx)
	for n := range names.Name() {
		id, isProcess := strings.CutPrefix(n, consumerName+"-")
		_, member := t[id]
		if n != name && (isProcess && member || !isProcess && n != consumerName) {
			continue
		}
		if err := bs.bus.stream.DeleteConsumer(ctx, n); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete the consumer %s: %w", n, err)
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("list the consumers of %s: %w", streamName, err)
	}
	return nil
}

// idleCheck is how long nothing may come before it is asked whether something
// should: a consumer that was made while a cluster lost servers may sit still.
const idleCheck = 10 * time.Second

// next waits for a message.
func (bs *Batches) next(ctx context.Context, msgs jetstream.MessagesContext, subjects []string) (jetstream.Msg, error) {
	for {
		idle, cancel := context.WithTimeout(ctx, idleCheck)
		msg, err := msgs.Next(jetstream.NextContext(idle))
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return msg, err
		}
		if err := bs.overlooked(ctx, subjects); err != nil {
			return nil, err
		}
	}
}

// overlooked returns an error if batches wait of which none was delivered.
func (bs *Batches) overlooked(ctx context.Context, subjects []string) error {
	bs.mu.Lock()
	given := len(bs.queue) > 0 || bs.busy
	bs.mu.Unlock()
	if given {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, minOpen)
	defer cancel()
	info, err := bs.bus.stream.Info(ctx, jetstream.WithSubjectFilter(data.SubjectPositions+".*"))
	if err != nil {
		return fmt.Errorf("ask for the stream %s: %w", streamName, err)
	}
	var waiting uint64
	for subject, n := range info.State.Subjects {
		if subjects == nil || slices.Contains(subjects, subject) {
			waiting += n
		}
	}
	if waiting > 0 {
		return fmt.Errorf("%d batches wait and none comes: %w", waiting, data.ErrUnavailable)
	}
	return nil
}

// deleteConsumer lets others have what a consumer was given, at once.
func (b *Bus) deleteConsumer(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), beatTimeout)
	defer cancel()
	return b.stream.DeleteConsumer(ctx, name)
}
