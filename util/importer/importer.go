// Package importer brings history into the store: from files that other
// programs wrote (Read), and from the database of another server (package
// traccar). Both hand positions to a Writer.
//
// Import may be repeated: a position that is stored already is not stored again.
package importer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is where positions go.
type Store interface {
	InsertPositions(ctx context.Context, positions []data.Position, fingerprints []uint64, fold storage.Fold) error
}

// compacter is a store that moves what was inserted out of the way of further
// inserts. Where a server runs, that does it.
type compacter interface {
	CompactIfDue(ctx context.Context) error
}

const (
	// batchSize is how many positions are inserted at once, in order of time.
	batchSize = 1000
	// compactEvery is after how many batches the store is asked to tidy up.
	compactEvery = 50
)

// Summary tells what an import did.
type Summary struct {
	// Read is Stored + Known + those skipped.
	Read int64
	// Stored is what was new, Known what the store had already.
	Stored, Known int64
	// Skipped counts what was left out, by reason.
	Skipped map[string]*Skip
	// First and Last are the oldest and the newest time of Stored and Known, UTC.
	First, Last time.Time
}

// Skip is what was left out for one reason.
type Skip struct {
	Count int64
	// Where is the first place, for example "track.gpx, line 17".
	Where string
}

// Writer stores positions in batches. It is used by one goroutine.
type Writer struct {
	// Progress is called after each batch; it may be nil.
	Progress func(*Summary)

	store   Store
	now     func() time.Time
	batch   []data.Position
	batches int
	sum     Summary
}

// NewWriter returns a Writer for a store. now is time.Now but in tests.
func NewWriter(store Store, now func() time.Time) *Writer {
	return &Writer{store: store, now: now, batch: make([]data.Position, 0, batchSize), sum: Summary{Skipped: make(map[string]*Skip)}}
}

// Summary tells what was done so far.
func (w *Writer) Summary() *Summary { return &w.sum }

// Skip counts something that is left out.
func (w *Writer) Skip(reason, where string) {
	w.sum.Read++
	s := w.sum.Skipped[reason]
	if s == nil {
		s = &Skip{Where: where}
		w.sum.Skipped[reason] = s
	}
	s.Count++
}

// firstFix is before any GPS fix: the epoch of GPS time (IS-GPS-200, 3.3.4).
var firstFix = time.Date(1980, 1, 6, 0, 0, 0, 0, time.UTC)

// maxAhead is how far ahead of our clock a time may be.
const maxAhead = 24 * time.Hour

// Add stores a position, or skips one that cannot be right. FixTime is needed;
// DeviceTime and ServerTime, if zero, are the same.
func (w *Writer) Add(ctx context.Context, p data.Position, where string) error {
	if p.DeviceTime.IsZero() {
		p.DeviceTime = p.FixTime
	}
	if p.ServerTime.IsZero() {
		p.ServerTime = p.DeviceTime
	}
	if reason := w.wrong(&p); reason != "" {
		w.Skip(reason, where)
		return nil
	}
	w.sum.Read++
	w.batch = append(w.batch, p)
	if len(w.batch) < batchSize {
		return nil
	}
	return w.Flush(ctx)
}

func (w *Writer) wrong(p *data.Position) string {
	for _, f := range [...]*float64{&p.AltitudeM, &p.SpeedKnots, &p.CourseDeg, &p.AccuracyM} {
		if math.IsNaN(*f) || math.IsInf(*f, 0) {
			*f = 0
		}
	}
	switch {
	case p.FixTime.IsZero():
		return "no time"
	case p.FixTime.Before(firstFix) || p.DeviceTime.Before(firstFix):
		return "a time before there was GPS"
	case p.FixTime.After(w.now().Add(maxAhead)):
		return "a time in the future"
	case !(math.Abs(p.Latitude) <= 90) || !(math.Abs(p.Longitude) <= 180):
		return "a place that is not on earth"
	}
	return ""
}

// Flush stores what is left of a batch.
func (w *Writer) Flush(ctx context.Context) error {
	if len(w.batch) == 0 {
		return nil
	}
	slices.SortStableFunc(w.batch, func(a, b data.Position) int { return a.FixTime.Compare(b.FixTime) })
	fingerprints := make([]uint64, len(w.batch))
	for i := range w.batch {
		fingerprints[i] = w.batch[i].Fingerprint()
	}
	if err := w.store.InsertPositions(ctx, w.batch, fingerprints, nil); err != nil {
		return fmt.Errorf("store positions: %w", err)
	}
	for i := range w.batch {
		if w.batch[i].ID != 0 {
			w.sum.Stored++
		} else {
			w.sum.Known++
		}
	}
	w.span(w.batch[0].FixTime, w.batch[len(w.batch)-1].FixTime)
	clear(w.batch)
	w.batch = w.batch[:0]
	if w.batches++; w.batches%compactEvery == 0 {
		if c, ok := w.store.(compacter); ok {
			if err := c.CompactIfDue(ctx); err != nil {
				return fmt.Errorf("compact the history: %w", err)
			}
		}
	}
	if w.Progress != nil {
		w.Progress(&w.sum)
	}
	return nil
}

func (w *Writer) span(first, last time.Time) {
	if w.sum.First.IsZero() || first.Before(w.sum.First) {
		w.sum.First = first
	}
	if last.After(w.sum.Last) {
		w.sum.Last = last
	}
}
