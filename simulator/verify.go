package simulator

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// Stored is a position as the server shows it.
type Stored struct {
	FixTime             time.Time
	Latitude, Longitude float64
	SpeedKnots          float64
	CourseDeg           float64
	// NotReport says that it is no report of a place of its own: it has taken
	// over the last place, or answers a command.
	NotReport bool
}

// History returns what the server has stored of a device from a time to another,
// both included.
type History interface {
	Positions(ctx context.Context, uniqueID string, from, to time.Time, each func(Stored)) error
}

// Verdict says what became of the acknowledged reports.
type Verdict struct {
	Devices int `json:"devices"`
	// Acknowledged counts the reports of the ledger, Stored those of them that
	// are stored as they were sent.
	Acknowledged int `json:"acknowledged"`
	Stored       int `json:"stored"`
	// Missing counts those that are not stored at all, Twice what is stored more
	// often than it was made, Changed those that are stored with the same time
	// and something else.
	Missing int `json:"missing"`
	Twice   int `json:"twice"`
	Changed int `json:"changed"`
	// Others counts what is stored and not in the ledger: reports that were sent
	// and not acknowledged in time.
	Others int `json:"others"`
	// Examples are the first findings, for people.
	Examples []string `json:"examples,omitempty"`
}

// maxExamples bounds Verdict.Examples.
const maxExamples = 20

// OK tells whether everything acknowledged is stored, once and unchanged.
func (v *Verdict) OK() bool { return v.Missing+v.Twice+v.Changed == 0 }

// String is a table for people.
func (v *Verdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "devices %d\nacknowledged %d\nstored %d\nmissing %d\ntwice %d\nchanged %d\nnot in the ledger %d\n",
		v.Devices, v.Acknowledged, v.Stored, v.Missing, v.Twice, v.Changed, v.Others)
	for _, e := range v.Examples {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}

// verifiers is how many devices are asked about at once.
const verifiers = 4

// Verify compares a ledger with what the server has stored. An error means that
// either could not be read; findings are in the verdict.
func Verify(ctx context.Context, ledger io.Reader, h History) (Verdict, error) {
	devices, err := readLedger(ledger)
	if err != nil {
		return Verdict{}, err
	}
	var mu sync.Mutex
	total := Verdict{Devices: len(devices)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(verifiers)
	for _, id := range slices.Sorted(maps.Keys(devices)) {
		group.Go(func() error {
			v, err := verifyDevice(ctx, id, devices[id], h)
			if err != nil {
				return fmt.Errorf("verify device %s: %w", id, err)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(&v)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Verdict{}, err
	}
	slices.Sort(total.Examples)
	return total, nil
}

func (v *Verdict) add(o *Verdict) {
	v.Acknowledged += o.Acknowledged
	v.Stored += o.Stored
	v.Missing += o.Missing
	v.Twice += o.Twice
	v.Changed += o.Changed
	v.Others += o.Others
	v.Examples = append(v.Examples, o.Examples[:min(len(o.Examples), maxExamples-len(v.Examples))]...)
}

func verifyDevice(ctx context.Context, id string, want map[mark]int, h History) (v Verdict, err error) {
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for m := range want {
		from, to = min(from, m.at), max(to, m.at)
	}
	stored := map[mark]int{}
	err = h.Positions(ctx, id, time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC(), func(s Stored) {
		if !s.NotReport {
			stored[markOf(&s)]++
		}
	})
	if err != nil {
		return v, err
	}
	strange := map[int64]int{} // what is stored and was not acknowledged, by time
	for m, n := range stored {
		if want[m] == 0 {
			strange[m.at] += n
			v.Others += n
		}
	}
	for m, made := range want {
		v.Acknowledged += made
		switch have := stored[m]; {
		case have > made:
			v.Stored += made
			v.Twice += have - made
			v.note(id, fmt.Sprintf("stored %d times", have), m)
		case have > 0:
			// Two reports that are the same to the last digit are one.
			v.Stored += made
		case strange[m.at] > 0:
			strange[m.at]--
			v.Others--
			v.Changed += made
			v.note(id, "changed", m)
		default:
			v.Missing += made
			v.note(id, "missing", m)
		}
	}
	return v, nil
}

func (v *Verdict) note(id, what string, m mark) {
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, fmt.Sprintf("%s: %s: %s", id, what, m))
	}
}

func markOf(s *Stored) mark {
	return mark{
		at: s.FixTime.Unix(), lat: steps(s.Latitude), lon: steps(s.Longitude),
		kmh: int32(converters.Clamp(converters.KmhFromKnots(s.SpeedKnots), 0, math.MaxInt32)), course: int32(math.Round(s.CourseDeg)),
	}
}

// errNoDevice says that the server does not know a device of the ledger.
func errNoDevice(id string) error {
	return fmt.Errorf("the server knows no device %s, or this account may not see it: %w", id, data.ErrNotFound)
}
