package row

import (
	"cmp"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Unknown makes a list of strangers ready to be stored: texts and frames
// bounded, entries with the same protocol and unique id added up in their
// order, the limit latest seen, in the order of their keys.
func Unknown(seen []data.UnknownDevice, limit int) []data.UnknownDevice {
	type key struct{ protocol, uniqueID string }
	at := make(map[key]int, len(seen))
	out := make([]data.UnknownDevice, 0, len(seen))
	for _, u := range seen {
		u.Protocol = Clean(u.Protocol, MaxKey)
		u.UniqueID = Clean(u.UniqueID, MaxKey)
		u.Address = Clean(u.Address, MaxKey)
		u.LastFrame = u.LastFrame[:min(len(u.LastFrame), data.MaxUnknownFrame)]
		k := key{u.Protocol, u.UniqueID}
		if i, ok := at[k]; ok {
			u.Count += out[i].Count
			u.FirstSeen = out[i].FirstSeen
			out[i] = u
			continue
		}
		at[k] = len(out)
		out = append(out, u)
	}
	if len(out) > limit {
		slices.SortStableFunc(out, func(a, b data.UnknownDevice) int { return b.LastSeen.Compare(a.LastSeen) })
		out = out[:limit]
	}
	slices.SortFunc(out, func(a, b data.UnknownDevice) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.UniqueID, b.UniqueID))
	})
	return out
}
