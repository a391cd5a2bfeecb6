package traccar

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// record is a row of a table by column, in lower case. Databases differ in the
// types they give; a column that is missing (an older server) is zero.
type record map[string]any

// text is a value as text: databases give the same number as one of many types.
func (r record) text(column string) string {
	switch v := r[column].(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

func (r record) int(column string) int64 {
	n, err := strconv.ParseInt(r.text(column), 10, 64)
	if err != nil {
		n = int64(r.float(column))
	}
	return n
}

func (r record) float(column string) float64 {
	f, _ := strconv.ParseFloat(r.text(column), 64)
	return f
}

// bool is true for 1, a bit that is set, and the word.
func (r record) bool(column string) bool {
	switch strings.ToLower(r.text(column)) {
	case "1", "\x01", "t", "true":
		return true
	}
	return false
}

// time is a time, which is UTC whether or not the column has a zone.
func (r record) time(column string) time.Time {
	if v, ok := r[column].(time.Time); ok {
		return v.UTC()
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07"} {
		if t, err := time.Parse(layout, r.text(column)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// free are free attributes, a JSON object. What is not one is none.
func (r record) free() data.Free {
	var f data.Free
	if json.Unmarshal([]byte(r.text("attributes")), &f) != nil {
		return nil
	}
	return f
}

// attributes are those of a position. Lists and objects within are kept as
// texts.
func (r record) attributes() (data.Attributes, bool) {
	raw := strings.TrimSpace(r.text("attributes"))
	if raw == "" || raw == "null" {
		return nil, true
	}
	if a, err := data.ParseAttributes([]byte(raw)); err == nil {
		return a, true
	}
	var nested map[string]json.RawMessage
	if json.Unmarshal([]byte(raw), &nested) != nil {
		return nil, false
	}
	for key, v := range nested {
		if t := strings.TrimSpace(string(v)); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
			nested[key], _ = json.Marshal(t) // a text can always be written
		}
	}
	flat, err := json.Marshal(nested) // in the order of the keys: the same at every import
	if err != nil {
		return nil, false
	}
	a, err := data.ParseAttributes(flat)
	return a, err == nil
}
