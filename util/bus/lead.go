package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
)

// leaseBucket is the key-value bucket of the leases, a key per group.
const leaseBucket = "waymark_leases"

// openLeases opens the bucket of the leases, or makes it, with as many copies
// as the positions have.
func (b *Bus) openLeases(ctx context.Context) (jetstream.KeyValue, error) {
	replicas := max(b.stream.CachedInfo().Config.Replicas, 1)
	kv, err := b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: leaseBucket, Description: "who works on what", Storage: jetstream.FileStorage, Replicas: replicas,
		MaxValueSize: 64 << 10, MaxBytes: 1 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("open the bucket %s: %w", leaseBucket, setupError(err))
	}
	return kv, nil
}

// Lead runs f in one of the processes that call Lead with the same name, which
// is letters, digits and hyphens; the others wait. When the leader ends the
// next one takes over at once, when it crashes within 10 s. The context of f
// ends when the lead is lost, which is before anybody else gets it; then Lead
// waits for its turn again. It returns what f returns, or nil when ctx ends.
//
// With an embedded bus there is nobody else.
func (b *Bus) Lead(ctx context.Context, name string, f func(context.Context) error) error {
	if b.Embedded() {
		return f(ctx)
	}
	g, err := b.joinWhenPossible(ctx, name, 1)
	if err != nil {
		return nil // ctx has ended
	}
	defer g.leave()
	for {
		if _, _, err := g.take(ctx); err != nil {
			return nil // ctx has ended
		}
		b.log.Info("leading", "group", name)
		lctx, cancel := g.whileHeld(ctx)
		err := f(lctx)
		lost := lctx.Err() != nil && ctx.Err() == nil
		cancel()
		g.release()
		if !lost {
			return err
		}
		b.log.Warn("lead lost", "group", name, "err", errors.Join(context.Cause(lctx), err))
	}
}

// joinWhenPossible tries until the group is joined or ctx ends.
func (b *Bus) joinWhenPossible(ctx context.Context, name string, size int) (*group, error) {
	for {
		g, err := b.tryJoin(ctx, name, size)
		if err == nil {
			return g, nil
		}
		b.log.Warn("group not joined, trying again", "group", name, "err", err)
		if err := pause(ctx, beat); err != nil {
			return nil, err
		}
	}
}

func (b *Bus) tryJoin(ctx context.Context, name string, size int) (*group, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	kv, err := b.openLeases(ctx)
	if err != nil {
		return nil, err
	}
	return b.join(kv, name, size)
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errors.Join(data.ErrUnavailable, ctx.Err())
	}
}
