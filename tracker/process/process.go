// Package process takes positions from the bus, works out what a frame alone
// cannot say, stores them and passes them on to whoever is watching:
// bus -> fill in -> store, with what they mean (package derive) -> live.
//
// A batch is confirmed to the bus after it is stored, so a batch may come
// twice; storing it twice changes nothing.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/statistics"
	"github.com/waymark-gps/waymark/util/storage"
)

// Source hands out batches that wait to be stored.
type Source interface {
	// Next waits for batches and returns those that are there, up to about max
	// positions. What was not Done by then comes again.
	Next(ctx context.Context, max int) ([]bus.Batch, error)
	// Hold returns a context that ends when what Next returned is no longer
	// this process's to store.
	Hold(ctx context.Context) (context.Context, context.CancelFunc)
}

// Store is where positions end up.
type Store interface {
	InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold storage.Fold) error
}

// Live passes stored positions on.
type Live interface {
	// Shards is how many shards there are, 1 to data.Shards.
	Shards() int
	PublishLive(shard int, positions []data.Position) error
	PublishEvents([]data.Event) error
}

// Folder works out what positions mean, within the transaction that stores them.
type Folder interface {
	Fold(ctx context.Context, arrivals []storage.Arrival) ([]storage.Findings, error)
	// Undo forgets what the last Fold has changed.
	Undo()
	// ForgetShard forgets the devices of a shard.
	ForgetShard(shard int)
}

// Last remembers the newest position of each device.
type Last interface {
	// Get looks in memory, then in the store.
	Get(ctx context.Context, deviceID int64) (p data.Position, ok bool, err error)
	// Update keeps those positions that are the newest of their devices.
	Update(positions []data.Position)
	// ForgetShard forgets the devices of a shard.
	ForgetShard(shard int)
}

// Deps are the parts processing works with.
type Deps struct {
	Source Source
	Store  Store
	Live   Live
	Last   Last
	// Folder is nil where positions are stored as they are.
	Folder  Folder
	Log     *slog.Logger
	Metrics *metric.Set
	// Statistics counts what is stored. Optional.
	Statistics *statistics.Counters
}

const (
	// maxGroup bounds the positions of one transaction, about.
	maxGroup = 4096
	// maxEvents bounds the events of one message.
	maxEvents = 500
	// storeTimeout bounds one try to store a group.
	storeTimeout = 20 * time.Second
	// minRetry and maxRetry bound the pause after a failed try.
	minRetry, maxRetry = 100 * time.Millisecond, 5 * time.Second
)

// Processor stores positions.
type Processor struct {
	deps   Deps
	stored *metric.Counter
	again  *metric.Counter
	failed *metric.Counter
	took   *metric.Histogram
	found  []storage.Findings // with the group that is being stored
	wait   func(context.Context, time.Duration) error
}

// New makes a Processor; Run starts it.
func New(deps Deps) *Processor {
	p := &Processor{
		deps:   deps,
		stored: deps.Metrics.NewCounter("waymark_process_positions_stored_total"),
		again:  deps.Metrics.NewCounter("waymark_process_positions_known_total"),
		failed: deps.Metrics.NewCounter("waymark_process_store_failures_total"),
		took:   deps.Metrics.NewPrometheusHistogramExt("waymark_process_store_seconds", metric.Buckets(0.0005, 2, 15)),
		wait:   wait,
	}
	return p
}

// Run works until ctx ends or the source does.
func (p *Processor) Run(ctx context.Context) error {
	for {
		batches, err := p.deps.Source.Next(ctx, maxGroup)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("process positions: %w", err)
		}
		if err := p.group(ctx, batches); err != nil {
			return err
		}
	}
}

// group stores batches, confirms them and passes them on.
func (p *Processor) group(ctx context.Context, batches []bus.Batch) error {
	total := 0
	for _, b := range batches {
		total += len(b.Positions)
	}
	positions := make([]data.Position, 0, total)
	for _, b := range batches {
		if b.First {
			p.deps.Last.ForgetShard(b.Shard)
			if p.deps.Folder != nil {
				p.deps.Folder.ForgetShard(b.Shard)
			}
		}
		positions = append(positions, b.Positions...)
	}
	// What is being stored is stored also when ctx ends, but not when it is no
	// longer ours.
	held, release := p.deps.Source.Hold(context.WithoutCancel(ctx))
	defer release()
	if err := p.store(ctx, held, batches, positions); err != nil {
		if ctx.Err() != nil {
			return nil // not confirmed, so it comes again after the restart
		}
		p.deps.Log.Warn("positions given up, they come again to whoever holds them", "positions", len(positions), "err", err)
		return nil
	}
	for _, b := range batches {
		if err := b.Done(); err != nil {
			p.deps.Log.Warn("confirm batch, it will come again", "err", err)
		}
	}
	p.show(positions)
	p.announce()
	return nil
}

// store tries until the group is stored: there is nowhere else to put it, and
// meanwhile the bus keeps what comes after it. It gives up when ctx ends, and
// at once when held does.
func (p *Processor) store(ctx, held context.Context, batches []bus.Batch, positions []data.Position) error {
	fingerprints := make([]uint64, len(positions))
	asSent := make([]data.Attributes, len(positions))
	for i := range positions {
		fingerprints[i], asSent[i] = positions[i].Fingerprint(), positions[i].Attributes
	}
	for retry := minRetry; ; retry = min(2*retry, maxRetry) {
		start := time.Now()
		err := p.try(held, positions, fingerprints)
		if err == nil {
			p.took.Update(time.Since(start).Seconds())
			return nil
		}
		for i := range positions {
			positions[i].Attributes = asSent[i] // the fold shall not see its own ones
		}
		if held.Err() != nil {
			return errors.Join(context.Cause(held), err)
		}
		p.failed.Inc()
		p.deps.Log.Error("positions not stored, trying again", "positions", len(positions), "retry", retry, "err", err)
		if err := p.wait(ctx, retry); err != nil {
			return err
		}
		for _, b := range batches {
			if err := b.Working(); err != nil {
				p.deps.Log.Warn("ask for more time", "err", err)
			}
		}
	}
}

// try stores the group once.
func (p *Processor) try(held context.Context, positions []data.Position, fingerprints []uint64) error {
	ctx, cancel := context.WithTimeout(held, storeTimeout)
	defer cancel()
	if err := p.fillIn(ctx, positions); err != nil {
		return err
	}
	p.found = nil
	if p.deps.Folder == nil {
		return p.deps.Store.InsertPositions(ctx, positions, fingerprints, nil)
	}
	err := p.deps.Store.InsertPositions(ctx, positions, fingerprints, func(ctx context.Context, arrivals []storage.Arrival) (_ []storage.Findings, err error) {
		p.found, err = p.deps.Folder.Fold(ctx, arrivals)
		return p.found, err
	})
	if err != nil {
		p.deps.Folder.Undo()
		p.found = nil
	}
	return err
}

// announce passes on the events that were stored: those that are new, and those
// that are over.
func (p *Processor) announce() {
	var events []data.Event
	for i := range p.found {
		for j := range p.found[i].Events {
			if e := &p.found[i].Events[j]; e.Fresh || !e.End.IsZero() {
				events = append(events, e.Event)
			}
		}
	}
	p.found = nil
	for len(events) > 0 {
		n := min(len(events), maxEvents)
		if err := p.deps.Live.PublishEvents(events[:n]); err != nil {
			p.deps.Log.Warn("events not shown live", "err", err)
		}
		events = events[n:]
	}
}

// show counts what was stored and passes it on, shard by shard.
func (p *Processor) show(positions []data.Position) {
	all := len(positions)
	stored := slices.DeleteFunc(positions, func(p data.Position) bool { return p.ID == 0 })
	p.stored.Add(len(stored))
	p.again.Add(all - len(stored))
	p.deps.Last.Update(stored)
	p.count(stored)
	for shard, of := range data.ByShard(stored, p.deps.Live.Shards()) {
		for len(of) > 0 {
			n := min(len(of), bus.MaxBatch)
			if err := p.deps.Live.PublishLive(shard, of[:n]); err != nil {
				p.deps.Log.Warn("positions not shown live", "err", err)
			}
			of = of[n:]
		}
	}
}

// count adds to the statistics what was stored. Reports of a device come together.
func (p *Processor) count(stored []data.Position) {
	p.deps.Statistics.Add(data.CountMessagesStored, int64(len(stored)))
	for len(stored) > 0 {
		n := 1
		for n < len(stored) && stored[n].DeviceID == stored[0].DeviceID && stored[n].Protocol == stored[0].Protocol {
			n++
		}
		p.deps.Statistics.Device(stored[0].DeviceID)
		p.deps.Statistics.Add(data.CountProtocol+stored[0].Protocol, int64(n))
		stored = stored[n:]
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errors.Join(data.ErrUnavailable, ctx.Err())
	}
}
