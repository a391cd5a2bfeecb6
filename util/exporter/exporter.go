// Package exporter writes positions for other programs: tables for people who
// count (CSV, JSON lines) and tracks for maps (GPX, GeoJSON). Nothing is held in
// memory: any number of positions can be written.
package exporter

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Formats are the formats that Export knows.
var Formats = []string{"csv", "geojson", "gpx", "jsonl"}

// Store is where positions come from.
type Store interface {
	PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error
}

// writer writes a format: begin, then for each device its positions, then end.
type writer interface {
	begin() error
	device(d *data.Device) error
	position(d *data.Device, p *data.Position) error
	deviceEnd() error
	end() error
}

// Count tells what was written.
type Count struct{ Devices, Positions int64 }

// Export writes the positions of devices with from <= Position.Time <= to, one
// device after the other, each in the order of time. If positions cannot be read
// (damaged files), the others are written and the error names them.
func Export(ctx context.Context, store Store, format string, devices []data.Device, from, to time.Time, out io.Writer) (Count, error) {
	b := bufio.NewWriterSize(out, 64<<10)
	w := newWriter(format, b)
	var n Count
	if w == nil {
		return n, fmt.Errorf("format %q is not one of %v: %w", format, Formats, data.ErrInvalid)
	}
	var damage error
	if err := w.begin(); err != nil {
		return n, err
	}
	for i := range devices {
		d := &devices[i]
		if err := w.device(d); err != nil {
			return n, err
		}
		var wrote error
		err := store.PositionsBetween(ctx, d.ID, from, to, math.MaxInt, func(p *data.Position) error {
			if wrote = w.position(d, p); wrote != nil {
				return wrote
			}
			n.Positions++
			return ctx.Err()
		})
		if wrote != nil {
			return n, fmt.Errorf("write: %w", wrote)
		}
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		if err != nil {
			if damage == nil {
				damage = fmt.Errorf("read the positions of device %q: %w", d.UniqueID, err)
			}
			if !isDamage(err) {
				return n, damage
			}
		}
		if err := w.deviceEnd(); err != nil {
			return n, fmt.Errorf("write: %w", err)
		}
		n.Devices++
	}
	if err := w.end(); err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	if err := b.Flush(); err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	return n, damage
}

func newWriter(format string, w *bufio.Writer) writer {
	switch format {
	case "csv":
		return newCSV(w)
	case "jsonl":
		return &jsonLines{w: w}
	case "gpx":
		return &gpx{w: w}
	case "geojson":
		return &geoJSON{w: w}
	}
	return nil
}

// clock is a time as all formats write it: RFC 3339 in UTC, to the millisecond;
// none is empty.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
