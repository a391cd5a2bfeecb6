package row

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Unknown makes a list of strangers ready to be stored: texts and frames
// bounded, entries with the same protocol and unique id added up in their
// order, the latest seen of those with and without a protocol, in the order of
// their keys.
func Unknown(seen []data.UnknownDevice) []data.UnknownDevice {
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
	slices.SortStableFunc(out, func(a, b data.UnknownDevice) int { return b.LastSeen.Compare(a.LastSeen) })
	room := map[bool]int{true: storage.MaxUnknownDevices, false: storage.MaxUnrecognised}
	out = slices.DeleteFunc(out, func(u data.UnknownDevice) bool {
		room[u.Protocol != ""]--
		return room[u.Protocol != ""] < 0
	})
	slices.SortFunc(out, func(a, b data.UnknownDevice) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.UniqueID, b.UniqueID))
	})
	return out
}

// unknownDetails is what a back end keeps of a stranger in one column.
type unknownDetails struct {
	Frames  [][]byte        `json:"frames,omitempty"`
	Guesses []string        `json:"guesses,omitempty"`
	Preview json.RawMessage `json:"preview,omitempty"`
}

// UnknownDetails writes the frames, the guesses and the preview of a stranger as
// JSON; {} if there are none.
func UnknownDetails(u *data.UnknownDevice) string {
	d := unknownDetails{Guesses: u.Guesses}
	if json.Valid(u.Preview) {
		d.Preview = u.Preview
	}
	for _, f := range u.Frames[:min(len(u.Frames), data.MaxUnknownFrames)] {
		d.Frames = append(d.Frames, f[:min(len(f), data.MaxUnknownFrame)])
	}
	b, err := json.Marshal(d)
	if err != nil {
		return "{}" // byte slices, texts and valid JSON always marshal
	}
	return string(b)
}

// SetUnknownDetails reads what UnknownDetails wrote.
func SetUnknownDetails(u *data.UnknownDevice, text string) error {
	var d unknownDetails
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return fmt.Errorf("read details of unknown device: %w", err)
	}
	u.Frames, u.Guesses, u.Preview = d.Frames, d.Guesses, d.Preview
	return nil
}
