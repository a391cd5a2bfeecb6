// Package traccar moves what an existing Traccar server keeps: devices, users
// with their passwords, groups, geofences, who may see what, and positions. It
// reads the server's database (PostgreSQL, MySQL, MariaDB) or its tables as CSV
// files (for H2), and changes nothing there.
//
// An import may be repeated, and goes on where the last one ended: what is there
// already (a device by its unique id, a user by e-mail, a group by name and
// parent, a geofence by name and area, a position by its content) is left alone.
package traccar

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/importer"
	"github.com/waymark-gps/waymark/util/storage"
)

// Options choose what is imported.
type Options struct {
	// Devices are unique ids; empty for all devices.
	Devices []string
	// Since leaves out positions with an older time of the fix; zero for none.
	Since time.Time
	// DryRun reads and counts, and stores nothing.
	DryRun bool
	// StatePath is a file that keeps how far positions were imported.
	StatePath string
	// Target names the store, without secrets: StatePath is of no meaning to
	// another one.
	Target string
	// Again begins with the first position, whatever StatePath says.
	Again bool
	// Now is time.Now but in tests.
	Now func() time.Time
	// Progress is called now and then; it may be nil.
	Progress func(*importer.Summary)
}

// Report tells what was done.
type Report struct {
	// Objects counts, by kind, what was made and what was there.
	Objects []Count
	// Links is how many links were read that lead to imported things.
	Links     int
	Positions *importer.Summary
	// From is the id of tc_positions after which this import began.
	From int64
}

// Count is what became of the objects of a kind.
type Count struct {
	Kind                 string
	Made, Known, Skipped int
	// Why is the reason for the first that was skipped.
	Why string
}

// Run imports from a source. An error leaves what was imported until then; run
// it again to go on.
func Run(ctx context.Context, from *Source, to storage.Store, o Options) (*Report, error) {
	m := &mover{
		from: from, to: to, o: o, report: &Report{},
		ids: make(map[data.ObjectKind]map[int64]int64), wanted: slices.Clone(o.Devices),
	}
	for _, step := range []func(context.Context) error{m.groups, m.devices, m.users, m.geofences, m.links, m.positions} {
		if err := step(ctx); err != nil {
			return m.report, err
		}
	}
	return m.report, nil
}

// mover is an import under way.
type mover struct {
	from   *Source
	to     storage.Store
	o      Options
	report *Report
	// ids are the ids here of those there, by kind.
	ids    map[data.ObjectKind]map[int64]int64
	wanted []string
	dryID  int64
}

// is notes which id here belongs to one there.
func (m *mover) is(kind data.ObjectKind, there, here int64) {
	if m.ids[kind] == nil {
		m.ids[kind] = make(map[int64]int64)
	}
	m.ids[kind][there] = here
}

// id is the id here of one there, 0 if it was not imported.
func (m *mover) id(kind data.ObjectKind, there int64) int64 { return m.ids[kind][there] }

// make creates something, or in a dry run pretends to.
func (m *mover) make(create func() error, id *int64) error {
	if m.o.DryRun {
		m.dryID--
		*id = m.dryID
		return nil
	}
	return create()
}

func (c *Count) skip(format string, args ...any) {
	if c.Skipped++; c.Why == "" {
		c.Why = fmt.Sprintf(format, args...)
	}
}
