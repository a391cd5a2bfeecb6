package row

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Document makes a document of an object, if it can be stored.
func Document(o data.Object) (data.Document, error) {
	d, err := data.EncodeObject(o)
	if err != nil {
		return d, err
	}
	if !slices.Contains(data.DocumentKinds, d.Kind) {
		return d, fmt.Errorf("%s is not kept as a document: %w", d.Kind, data.ErrInvalid)
	}
	// JSON escapes NUL and replaces what is no text.
	return d, checkTexts(string(d.Kind), d.Name)
}

// Table is the table that holds a kind, and the kind within it, empty for the
// only one.
func Table(k data.ObjectKind) (table string, kind data.ObjectKind, err error) {
	k = k.Base()
	switch {
	case k == data.UserKind:
		return "users", "", nil
	case k == data.DeviceKind:
		return "devices", "", nil
	case slices.Contains(data.DocumentKinds, k):
		return "objects", k, nil
	}
	return "", "", fmt.Errorf("%q is no kind of thing: %w", k, data.ErrInvalid)
}

// Linked are the ids that links name, by kind: each once, ascending, so that
// everybody locks them in the same order.
func Linked(links []data.Link) (map[data.ObjectKind][]int64, error) {
	ids := make(map[data.ObjectKind][]int64)
	for _, l := range links {
		if !slices.Contains(data.LinkRules[l.Owner], l.Property) {
			return nil, fmt.Errorf("a %s cannot own a %s: %w", l.Owner, l.Property, data.ErrInvalid)
		}
		ids[l.Owner.Base()] = append(ids[l.Owner.Base()], l.OwnerID)
		ids[l.Property.Base()] = append(ids[l.Property.Base()], l.PropertyID)
	}
	for k := range ids {
		slices.Sort(ids[k])
		ids[k] = slices.Compact(ids[k])
	}
	return ids, nil
}

// LinkedKinds are the keys of Linked in one order.
func LinkedKinds(ids map[data.ObjectKind][]int64) []data.ObjectKind {
	kinds := make([]data.ObjectKind, 0, len(ids))
	for k := range ids {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

// References are the columns that name a kind, as table and column.
func References(k data.ObjectKind) [][2]string {
	switch k {
	case data.GroupKind:
		return [][2]string{{"devices", "group_id"}, {"objects", "group_id"}}
	case data.CalendarKind:
		return [][2]string{{"devices", "calendar_id"}, {"objects", "calendar_id"}}
	case data.CommandKind:
		return [][2]string{{"objects", "command_id"}}
	}
	return nil
}

// Properties are the kinds of property that a kind can be.
func Properties(k data.ObjectKind) [2]data.ObjectKind {
	switch k {
	case data.UserKind:
		return [2]data.ObjectKind{k, data.ManagedUserKind}
	case data.DeviceKind:
		return [2]data.ObjectKind{k, data.LinkedDeviceKind}
	}
	return [2]data.ObjectKind{k, k}
}

// EncodeProfile writes a profile; a float that is not a number is refused.
func EncodeProfile(p *data.Profile) (string, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write profile: %w: %w", data.ErrInvalid, err)
	}
	return string(b), nil
}

// DecodeJSON reads JSON of a column into v.
func DecodeJSON(what, text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// CheckMedia tells whether m can be stored.
func CheckMedia(m *data.Media) error {
	if err := checkKey("file name", m.Name); err != nil {
		return err
	}
	if len(m.Content) == 0 {
		return fmt.Errorf("the file is empty: %w", data.ErrInvalid)
	}
	return checkTexts("media", m.Type)
}
