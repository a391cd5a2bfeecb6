package derive

import (
	"cmp"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// added is how many attributes processing usually adds to a position.
const added = 8

// read makes reports of new positions of a device, by time, with what is
// computed of their own values. Their attributes are written anew: the caller
// may go back to those that came in. It adds to failed what could not be computed.
func read(of *fleet.Settings, positions []*data.Position, into []report, failed *int) []report {
	into = into[:0]
	sorted := true
	for i, p := range positions {
		p.Attributes = append(make(data.Attributes, 0, len(p.Attributes)+added), p.Attributes...)
		*failed += of.Computed.Before(p)
		into = append(into, report{Position: p, fix: fix.Of(p), fresh: true})
		sorted = sorted && (i == 0 || fix.Compare(&into[i-1].fix, &into[i].fix) <= 0)
	}
	if !sorted {
		slices.SortFunc(into, compare)
	}
	return into
}

func compare(a, b report) int { return cmp.Or(fix.Compare(&a.fix, &b.fix), cmp.Compare(a.ID, b.ID)) }

// again makes a report of a stored position. What is computed of its own values
// is in it: computing once more could count a factor twice.
func again(p *data.Position) report { return report{Position: p, fix: fix.Of(p)} }
