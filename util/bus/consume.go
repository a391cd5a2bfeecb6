package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
)

const (
	// consumerName is the consumer's inside one process; with an external bus
	// each process has one of its own, with its name in the group behind it.
	consumerName = "process"
	// processGroup is the group that shares out the shards.
	processGroup = "process"
	// ackWait is when the server gives a batch up for lost and delivers it again.
	// It is only a net: what was lost is known before, by a gap in the numbers, by
	// a connection that broke, or by a process that has left the group.
	ackWait = time.Minute
	// maxUnacked bounds the batches that are delivered and not yet stored, and
	// maxPulled their bytes in the client.
	maxUnacked = 512
	maxPulled  = 8 << 20
	// maxQueued bounds the positions that are decoded and not yet handed out.
	maxQueued = 8192
	// groupEvery is how far apart two groups are handed out unless enough is
	// there: a transaction costs more than its positions, and a flood shares them.
	// A lone position waits for nobody.
	groupEvery = 20 * time.Millisecond
	// enough is when there is no point in waiting for more.
	enough = 512
)

// Batch is one delivered message of positions.
type Batch struct {
	Positions []data.Position
	// Shard is the shard the batch came by. Inside one process it is 0.
	Shard int
	// First marks the first batch since the shard came to this process: others
	// may have stored positions of its devices meanwhile, so what is remembered
	// of them may be out of date.
	First bool

	from *Batches
	msg  jetstream.Msg
}

// Done says that the batch is stored and need not come again.
func (b Batch) Done() error {
	b.from.mu.Lock()
	b.from.handed--
	b.from.mu.Unlock()
	if err := b.msg.Ack(); err != nil {
		return fmt.Errorf("confirm a batch: %w", err)
	}
	return nil
}

// Working asks for more time.
func (b Batch) Working() error { return b.msg.InProgress() }

// Batches hands out the positions that wait to be stored, of the shards that
// are this process's own. Batches of one shard come in order. The methods may
// be called by one goroutine, Stop by any.
//
// With several processes the shards move between them. That happens between two
// calls of Next, when the caller is done with what it was given.
type Batches struct {
	bus   *Bus
	end   context.CancelFunc
	ended sync.WaitGroup
	wait  time.Duration // how long the last try to make a consumer had

	mu      sync.Mutex
	changed *sync.Cond
	group   *group // nil with an embedded bus, and until it is joined
	queue   []Batch
	queued  int  // positions in queue
	busy    bool // the caller works on what Next returned
	handed  int  // batches it was given and that are not Done
	again   bool // what was delivered must come again
	fresh   slots
	stopped bool
	last    time.Time // when a group was handed out
}

// ConsumePositions starts to receive positions. A batch that is not Done when
// Next is called again comes again, and with it what came after it; after a
// restart too. Stop ends it.
func (b *Bus) ConsumePositions(ctx context.Context) (*Batches, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := b.updateStream(ctx); err != nil {
		return nil, err
	}
	bs := &Batches{bus: b}
	bs.changed = sync.NewCond(&bs.mu)
	run, end := context.WithCancel(context.Background())
	bs.end = end
	status := b.conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	bs.ended.Go(func() { bs.watchConnection(run, status) })
	bs.ended.Go(func() { bs.manage(run) })
	return bs, nil
}

// watchConnection has everything delivered again after the connection broke:
// what was on its way is gone. With the bus everything ends.
func (bs *Batches) watchConnection(ctx context.Context, status chan nats.Status) {
	defer bs.bus.conn.RemoveStatusListener(status)
	for {
		select {
		case s := <-status:
			if s == nats.CLOSED {
				bs.end()
				return
			}
			bs.change(func() { bs.again = true })
		case <-ctx.Done():
			return
		}
	}
}

// manage receives while there is something to receive for.
func (bs *Batches) manage(ctx context.Context) {
	defer bs.change(func() { bs.stopped = true })
	if bs.bus.Embedded() {
		bs.change(func() { bs.fresh = 1 })
		for ctx.Err() == nil {
			bs.session(ctx, consumerName, nil)
		}
		return
	}
	g, err := bs.bus.joinWhenPossible(ctx, processGroup, data.Shards)
	if err != nil {
		return // ctx has ended
	}
	defer g.leave()
	bs.change(func() { bs.group = g })
	had, hadTenure := slots(0), 0
	for {
		tenure, s, err := g.take(ctx)
		if err != nil {
			return // ctx has ended
		}
		if tenure != hadTenure {
			had, hadTenure = 0, tenure
		}
		if s != had {
			bs.bus.log.Info("shards of this process", "shards", s.len())
		}
		bs.change(func() { bs.fresh = bs.fresh&had | s&^had })
		had = s
		sctx, cancel := g.whileDue(ctx, tenure, s)
		bs.session(sctx, consumerName+"-"+g.id, s.subjects())
		cancel()
		g.release()
	}
}

// subjects are those of the shards of s; nil stands for all.
func (s slots) subjects() (out []string) {
	for i := range data.Shards {
		if s.has(i) {
			out = append(out, data.PositionsSubject(i))
		}
	}
	return out
}

// session receives what the subjects hold, from the oldest batch that is not
// Done, until ctx ends or something is amiss. When it returns the caller of
// Next is done with what it was given, and nothing more is handed out.
func (bs *Batches) session(ctx context.Context, name string, subjects []string) {
	bs.change(func() { bs.again = false })
	err := bs.receive(ctx, name, subjects)
	bs.putDown()
	if ctx.Err() == nil && err != nil {
		bs.bus.log.Warn("positions are delivered again from the oldest that is not stored", "err", err)
		pause(ctx, retryReceive) // the next try tells how it went
	}
	if err := bs.bus.deleteConsumer(name); err != nil {
		bs.bus.log.Debug("delete consumer", "consumer", name, "err", err)
	}
}

// retryReceive is the pause after something was amiss.
const retryReceive = 200 * time.Millisecond

// receive fills the queue until ctx ends or something is amiss.
func (bs *Batches) receive(ctx context.Context, name string, subjects []string) error {
	consumer, err := bs.openConsumer(ctx, name, subjects)
	if err != nil {
		return err
	}
	msgs, err := consumer.Messages(jetstream.PullMaxBytes(maxPulled), jetstream.PullHeartbeat(5*time.Second), jetstream.PullExpiry(30*time.Second))
	if err != nil {
		return fmt.Errorf("receive positions: %w", err)
	}
	defer msgs.Stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	watching.Go(func() {
		if bs.await(ctx, func() bool { return bs.again }) == nil {
			cancel(errAgain)
		}
	})
	for want := uint64(1); ; want++ {
		msg, err := bs.next(ctx, msgs, subjects)
		if err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("receive positions: %w", err)
		}
		if meta.Sequence.Consumer != want || meta.NumDelivered != 1 {
			return fmt.Errorf("receive positions: delivery %d came where %d was due: %w", meta.Sequence.Consumer, want, data.ErrUnavailable)
		}
		if err := bs.put(ctx, msg); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// errAgain says that what was delivered may be incomplete.
var errAgain = fmt.Errorf("the connection broke, or batches were not stored: %w", data.ErrUnavailable)

// put decodes a message into the queue, when there is room.
func (bs *Batches) put(ctx context.Context, msg jetstream.Msg) error {
	positions, err := wire.Parse(msg.Data())
	if err != nil {
		// It will not get better by coming again.
		bs.bus.log.Error("unreadable batch of positions dropped", "subject", msg.Subject(), "bytes", len(msg.Data()), "err", err)
		if err := msg.TermWithReason("unreadable"); err != nil {
			bs.bus.log.Warn("drop batch", "err", err)
		}
		return nil
	}
	b := Batch{Positions: positions, from: bs, msg: msg}
	if !bs.bus.Embedded() {
		_, shard, _ := strings.Cut(msg.Subject(), data.SubjectPositions+".")
		if b.Shard, err = strconv.Atoi(shard); err != nil || b.Shard < 0 || b.Shard >= data.Shards {
			return fmt.Errorf("batch on the subject %s: %w", msg.Subject(), data.ErrInvalid)
		}
	}
	return bs.await(ctx, func() bool {
		if bs.queued >= maxQueued {
			return false
		}
		bs.queue = append(bs.queue, b)
		bs.queued += len(positions)
		bs.changed.Broadcast()
		return true
	})
}

// putDown empties the queue and waits until the caller is done.
func (bs *Batches) putDown() {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.queue, bs.queued = nil, 0
	bs.changed.Broadcast()
	for bs.busy {
		bs.changed.Wait()
	}
}

// Next waits for batches and returns all that are there, until they hold max
// positions together. Its call says that the caller is done with what it was
// given before. It returns an error when ctx ends or after Stop.
func (bs *Batches) Next(ctx context.Context, max int) (out []Batch, err error) {
	bs.change(bs.back)
	linger := time.AfterFunc(time.Hour, func() { bs.change(func() {}) })
	defer linger.Stop()
	err = bs.await(ctx, func() bool {
		if bs.stopped {
			return true
		}
		if len(bs.queue) == 0 || !bs.held() {
			return false
		}
		if wait := groupEvery - time.Since(bs.last); wait > 0 && bs.queued < min(max, enough) {
			linger.Reset(wait)
			return false
		}
		out = bs.hand(max)
		return true
	})
	if err == nil && out == nil {
		err = fmt.Errorf("receive positions: stopped: %w", data.ErrUnavailable)
	}
	return out, err
}

// back takes note that the caller is done. What it did not store comes again.
func (bs *Batches) back() {
	if bs.busy && bs.handed > 0 {
		// Until the receiver has seen it, nothing newer may be handed out.
		bs.again, bs.queue, bs.queued = true, nil, 0
	}
	bs.busy, bs.handed = false, 0
}

// held tells whether this process may work on what was delivered.
func (bs *Batches) held() bool {
	if bs.again {
		return false
	}
	if bs.group == nil {
		return true
	}
	bs.group.mu.Lock()
	defer bs.group.mu.Unlock()
	return bs.group.due(time.Now()) != 0
}

// hand takes batches out of the queue.
func (bs *Batches) hand(max int) (out []Batch) {
	for n := 0; len(bs.queue) > 0 && n < max; {
		b := bs.queue[0]
		bs.queue[0] = Batch{}
		bs.queue = bs.queue[1:]
		b.First = bs.fresh.has(b.Shard)
		bs.fresh &^= 1 << b.Shard
		n += len(b.Positions)
		out = append(out, b)
		bs.queued -= len(b.Positions)
	}
	bs.busy, bs.handed, bs.last = true, len(out), time.Now()
	bs.changed.Broadcast()
	return out
}

// Hold returns a context that ends when this process loses the right to store
// what Next returned last.
func (bs *Batches) Hold(ctx context.Context) (context.Context, context.CancelFunc) {
	bs.mu.Lock()
	g := bs.group
	bs.mu.Unlock()
	if g == nil {
		return context.WithCancel(ctx)
	}
	return g.whileHeld(ctx)
}

// Stop ends the receiving, and gives the shards away. The caller must be done
// with what Next returned: what is not Done comes again, here or elsewhere.
func (bs *Batches) Stop() {
	bs.change(bs.back)
	bs.end()
	bs.ended.Wait()
}

// change calls f with bs.mu held and wakes all who wait.
func (bs *Batches) change(f func()) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	f()
	bs.changed.Broadcast()
}

// await waits until ok, which is called with bs.mu held.
func (bs *Batches) await(ctx context.Context, ok func() bool) error {
	defer context.AfterFunc(ctx, func() { bs.change(func() {}) })()
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if ok() {
			return nil
		}
		bs.changed.Wait()
	}
}
