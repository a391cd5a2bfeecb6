package data

import (
	"encoding/json"
	"fmt"
)

// Object is what people make and the store keeps as a document: its JSON form
// is that of the API.
type Object interface {
	Kind() ObjectKind
	// Fields are what the store knows of the object.
	Fields() Fields
}

// Fields are what the store orders and finds an object by, and the references
// that it sets to 0 when their target goes. A pointer is nil where the kind has
// no such reference.
type Fields struct {
	ID   *int64
	Name string

	GroupID, CalendarID, CommandID *int64
}

// Document is an object as it is stored.
type Document struct {
	Kind ObjectKind
	ID   int64
	// Name is what people call it: the order of lists, and what is searched.
	Name string
	// GroupID, CalendarID and CommandID are 0 for none; they count, not those in
	// Body.
	GroupID, CalendarID, CommandID int64
	// Body is the object as JSON.
	Body []byte
}

// EncodeObject makes a document of an object.
func EncodeObject(o Object) (Document, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return Document{}, fmt.Errorf("write %s: %w: %w", o.Kind(), ErrInvalid, err)
	}
	f := o.Fields()
	value := func(p *int64) int64 {
		if p == nil {
			return 0
		}
		return *p
	}
	return Document{
		Kind: o.Kind(), ID: *f.ID, Name: f.Name, Body: body,
		GroupID: value(f.GroupID), CalendarID: value(f.CalendarID), CommandID: value(f.CommandID),
	}, nil
}

// Decode reads the document into an object of its kind.
func (d *Document) Decode(o Object) error {
	if err := json.Unmarshal(d.Body, o); err != nil {
		return fmt.Errorf("read %s %d: %w", d.Kind, d.ID, err)
	}
	f := o.Fields()
	*f.ID = d.ID
	for _, ref := range []struct {
		to   *int64
		from int64
	}{{f.GroupID, d.GroupID}, {f.CalendarID, d.CalendarID}, {f.CommandID, d.CommandID}} {
		if ref.to != nil {
			*ref.to = ref.from
		}
	}
	return nil
}

// Text is a text whose JSON is null while it is empty.
type Text string

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// UnmarshalJSON implements json.Unmarshaler; null is the empty text.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = ""
	if s != nil {
		*t = Text(*s)
	}
	return nil
}

// Decimal is a number whose JSON always has a decimal point: some clients tell
// whole numbers from others.
type Decimal float64

// MarshalJSON implements json.Marshaler.
func (f Decimal) MarshalJSON() ([]byte, error) { return appendFloat(nil, float64(f)), nil }

// Free are free attributes: any JSON object, whose JSON is never null.
type Free map[string]any

// MarshalJSON implements json.Marshaler.
func (f Free) MarshalJSON() ([]byte, error) {
	if len(f) == 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]any(f))
}

// UnmarshalJSON implements json.Unmarshaler. It replaces what was there; none
// are nil.
func (f *Free) UnmarshalJSON(b []byte) error {
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	if *f = m; len(m) == 0 {
		*f = nil
	}
	return nil
}
