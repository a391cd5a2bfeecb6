package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// tick is the least time an open loop waits: what is due meanwhile goes out
// together, because waking up costs more than sending.
const tick = time.Millisecond

// loadWorker serves some connections in turn: it waits for the oldest answer
// and then sends. It is used by one goroutine.
type loadWorker struct {
	pattern *pattern
	timeout time.Duration
	conns   []*loadConn
	answers *histogram
	told    func(device int, fix, now time.Time) // nil for nobody
	first   int                                  // number of the first device

	// flight is what waits for its answer, the oldest at head, in a ring.
	flight []loadBurst
	head   int

	// due is when the next burst of an open loop is sent, every the time between
	// two; 0 is a closed loop.
	due      time.Time
	every    time.Duration
	turn     int
	extended time.Time // the deadlines, the last time

	sent, acknowledged uint64
}

// loadBurst is what was sent together.
type loadBurst struct {
	conn  *loadConn
	since time.Time
}

func (w *loadWorker) run(ctx context.Context) error {
	if err := w.extend(time.Now()); err != nil {
		return err
	}
	if w.every > 0 {
		return w.open(ctx)
	}
	return w.closed(ctx)
}

// extend moves the deadlines of all connections on, not more often than it
// matters: a timer for each frame would cost as much as the frame.
func (w *loadWorker) extend(now time.Time) error {
	w.extended = now
	for _, c := range w.conns {
		if err := c.SetDeadline(now.Add(2 * w.timeout)); err != nil {
			return err
		}
	}
	return nil
}

// closed keeps one burst of each connection on its way.
func (w *loadWorker) closed(ctx context.Context) error {
	now := time.Now()
	for _, c := range w.conns {
		if err := w.send(c, now, now); err != nil {
			return err
		}
	}
	for w.waiting() > 0 {
		b := w.next()
		if err := w.receive(b.conn); err != nil {
			return err
		}
		now = time.Now()
		w.answers.add(now.Sub(b.since))
		if ctx.Err() != nil {
			continue
		}
		if now.Sub(w.extended) > w.timeout {
			if err := w.extend(now); err != nil {
				return err
			}
		}
		if err := w.send(b.conn, now, now); err != nil {
			return err
		}
	}
	return nil
}

// open sends when it is due, and reads answers in between.
func (w *loadWorker) open(ctx context.Context) error {
	for {
		now := time.Now()
		ended := ctx.Err() != nil
		if ended && w.waiting() == 0 {
			return nil
		}
		if !ended && !now.Before(w.due) && w.waiting() < maxFlight*len(w.conns) {
			c := w.conns[w.turn]
			w.turn = (w.turn + 1) % len(w.conns)
			since := w.due
			if now.Sub(since) < tick {
				since = now
			}
			if err := w.send(c, now, since); err != nil {
				return err
			}
			w.due = w.due.Add(w.every)
			continue
		}
		if w.waiting() == 0 {
			sleep(ctx, max(w.due.Sub(now), tick))
			continue
		}
		if err := w.await(now, ended); err != nil {
			return err
		}
	}
}

// await reads the oldest answer, or gives up when the next burst is due. Only
// the first byte may be waited for that long: an answer is not left half read.
func (w *loadWorker) await(now time.Time, ended bool) error {
	b := w.flight[w.head]
	until := b.since.Add(w.timeout)
	if late := !now.Before(until); late {
		return fmt.Errorf("device %s: no answer within %s: %w", IMEI(b.conn.device), w.timeout, os.ErrDeadlineExceeded)
	}
	full := w.waiting() >= maxFlight*len(w.conns)
	if soon := now.Add(tick); !ended && !full && soon.Before(until) {
		until = soon
		if w.due.After(soon) {
			until = w.due
		}
	}
	if err := b.conn.SetReadDeadline(until); err != nil {
		return err
	}
	answer := w.pattern.answer
	n, err := b.conn.Read(answer)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // the loop finds out which
	}
	if err == nil && n < len(answer) {
		if err = b.conn.SetReadDeadline(now.Add(w.timeout)); err == nil {
			_, err = io.ReadFull(b.conn, answer[n:])
		}
	}
	if err == nil {
		err = w.check(b.conn)
	}
	if err != nil {
		return fmt.Errorf("device %s: %w", IMEI(b.conn.device), err)
	}
	w.next()
	w.answers.add(time.Since(b.since))
	return nil
}

// send sends a burst that was due at a time.
func (w *loadWorker) send(c *loadConn, now, due time.Time) error {
	burst, last := w.pattern.patch(c, now)
	if w.told != nil {
		w.told(c.device-w.first, last, now)
	}
	if _, err := c.Write(burst); err != nil {
		return fmt.Errorf("device %s: %w", IMEI(c.device), err)
	}
	w.sent++
	w.flight = append(w.flight, loadBurst{c, due})
	return nil
}

// waiting is how many bursts wait for their answer.
func (w *loadWorker) waiting() int { return len(w.flight) - w.head }

// next takes the oldest one.
func (w *loadWorker) next() loadBurst {
	b := w.flight[w.head]
	w.head++
	if w.head >= max(1024, len(w.flight)-w.head) {
		w.flight = w.flight[:copy(w.flight, w.flight[w.head:])]
		w.head = 0
	}
	return b
}

// receive reads one answer.
func (w *loadWorker) receive(c *loadConn) error {
	_, err := io.ReadFull(c, w.pattern.answer)
	if err == nil {
		err = w.check(c)
	}
	if err != nil {
		return fmt.Errorf("device %s: %w", IMEI(c.device), err)
	}
	return nil
}

func (w *loadWorker) check(c *loadConn) error {
	if !w.pattern.confirms(c) {
		return fmt.Errorf("answer %x is not the one expected: %w", w.pattern.answer, data.ErrInvalid)
	}
	w.acknowledged++
	return nil
}
