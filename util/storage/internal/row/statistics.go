package row

import (
	"cmp"
	"maps"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// ActiveDays is how many days it is known who was active; after that it is known
// how many were.
const ActiveDays = 2

// MaxReportError is the longest error of a run that is kept, in bytes.
const MaxReportError = 1 << 10

// Count is a row of the statistics.
type Count struct {
	Day   int64
	Name  string
	Count int64
}

// Counts are the counts of an activity by name, so that writers take their locks
// in the same order.
func Counts(a data.Activity) []Count {
	out := make([]Count, 0, len(a.Counts))
	for _, name := range slices.Sorted(maps.Keys(a.Counts)) {
		if a.Counts[name] != 0 {
			out = append(out, Count{a.Day, Clean(name, MaxKey), a.Counts[name]})
		}
	}
	return out
}

// Active are those who were active by the name of their count, in order.
func Active(a data.Activity) []Count {
	out := make([]Count, 0, len(a.Devices)+len(a.Users))
	for name, ids := range map[string][]int64{data.CountActiveDevices: a.Devices, data.CountActiveUsers: a.Users} {
		for _, id := range ids {
			out = append(out, Count{a.Day, name, id})
		}
	}
	slices.SortFunc(out, func(x, y Count) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Count, y.Count))
	})
	return slices.Compact(out)
}

// Days puts rows, by day, together.
func Days(rows []Count) []data.Statistics {
	var out []data.Statistics
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].Day != r.Day {
			out = append(out, data.Statistics{Day: r.Day, Counts: map[string]int64{}})
		}
		out[len(out)-1].Counts[r.Name] += r.Count
	}
	return out
}
