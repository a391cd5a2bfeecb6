package cache

import (
	"context"
	"errors"
)

// flights makes callers that miss the same key at the same time share one
// load. The owner's lock guards it.
type flights[K comparable, V any] map[K]*flight[V]

type flight[V any] struct {
	// done is closed when value and err are set.
	done  chan struct{}
	value V
	err   error
}

func newFlight[V any]() *flight[V] { return &flight[V]{done: make(chan struct{})} }

// wait returns the result of another caller's load. again says that the other
// caller gave up for reasons of its own, so that this one must try itself.
func (f *flight[V]) wait(ctx context.Context) (value V, again bool, err error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
	gaveUp := errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded)
	return f.value, gaveUp && ctx.Err() == nil, f.err
}
