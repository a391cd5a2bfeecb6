package report

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/waymark-gps/waymark/data"
)

// Combined is the name of the report that has all of a device in one object: it
// is no list of rows.
const Combined = "combined"

const (
	// combinedPart is how much of it is gathered before it is written, in bytes.
	combinedPart = 32 << 10
	// positionsAtOnce is how many positions of events are read at once.
	positionsAtOnce = 500
)

// Workbook are the reports that a file has which stands for Combined.
var Workbook = []string{"summary", "trips", "stops", "events", "geofences"}

// WriteCombined writes a JSON list with an object for each device:
// {deviceId, route: [[lon,lat], …], events, positions}, where positions are those
// of the events.
func (m *Maker) WriteCombined(ctx context.Context, ask Ask, w io.Writer) error {
	ask.Devices = slices.Clone(ask.Devices)
	slices.SortFunc(ask.Devices, func(a, b data.Device) int { return int(a.ID - b.ID) })
	c := combined{w: w, buf: []byte{'['}}
	for i := range ask.Devices {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		if err := c.device(ctx, m, &ask, ask.Devices[i].ID); err != nil {
			return fmt.Errorf("make the report %s: %w", Combined, err)
		}
	}
	c.buf = append(c.buf, ']')
	return c.send()
}

type combined struct {
	w   io.Writer
	buf []byte
	// some says that the list that is open has an entry.
	some bool
}

func (c *combined) send() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

// next makes room for the next entry of a list.
func (c *combined) next() error {
	if c.some {
		c.buf = append(c.buf, ',')
	}
	c.some = true
	if len(c.buf) < combinedPart {
		return nil
	}
	return c.send()
}

func (c *combined) list(name string) {
	c.buf = append(c.buf, `,"`+name+`":[`...)
	c.some = false
}

func (c *combined) device(ctx context.Context, m *Maker, ask *Ask, id int64) error {
	c.buf = append(c.buf, `{"deviceId":`...)
	c.buf = strconv.AppendInt(c.buf, id, 10)
	c.list("route")
	err := m.Store.PositionsBetween(ctx, id, ask.From, ask.To, math.MaxInt, func(p *data.Position) error {
		if p.Outdated || p.FixTime.IsZero() {
			return nil
		}
		if err := c.next(); err != nil {
			return err
		}
		c.buf = append(c.buf, '[')
		c.buf = data.Float(p.Longitude).AppendJSON(c.buf)
		c.buf = append(c.buf, ',')
		c.buf = data.Float(p.Latitude).AppendJSON(c.buf)
		c.buf = append(c.buf, ']')
		return nil
	})
	if err != nil {
		return err
	}
	c.buf = append(c.buf, ']')
	c.list("events")
	var of []int64 // the positions of the events
	err = m.eachEvent(ctx, ask, []int64{id}, func(e *data.Event) error {
		if err := c.next(); err != nil {
			return err
		}
		c.buf = e.AppendJSON(c.buf)
		if n := len(of); e.PositionID != 0 && (n == 0 || of[n-1] != e.PositionID) {
			of = append(of, e.PositionID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.buf = append(c.buf, ']')
	c.list("positions")
	slices.Sort(of)
	for ids := range slices.Chunk(slices.Compact(of), positionsAtOnce) {
		found, err := m.Store.PositionsByID(ctx, ids)
		if err != nil {
			return fmt.Errorf("read the positions of events: %w", err)
		}
		for i := range found {
			if err := c.next(); err != nil {
				return err
			}
			c.buf = found[i].AppendJSON(c.buf)
		}
	}
	c.buf = append(c.buf, "]}"...)
	return nil
}
