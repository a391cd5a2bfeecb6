package api

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func TestParseTime(t *testing.T) {
	want := time.Date(2024, 10, 1, 7, 53, 12, 0, time.UTC)
	for in, after := range map[string]time.Duration{
		"2024-10-01T07:53:12Z":             0,
		"2024-10-01T07:53:12.123Z":         123 * time.Millisecond,
		"2024-10-01T07:53:12.123456Z":      123456 * time.Microsecond,
		"2024-10-01T07:53:12.123456789Z":   123456789,
		"2024-10-01T07:53:12.000+00:00":    0,
		"2024-10-01T07:53:12.000 00:00":    0, // a plus sign that was not escaped
		"2024-10-01T09:53:12+02:00":        0,
		"2024-10-01T09:53:12.5+0200":       500 * time.Millisecond,
		"2024-10-01T02:23:12.000000-05:30": 0,
	} {
		got, err := parseTime(in)
		if err != nil || !got.Equal(want.Add(after)) || got.Location() != time.UTC {
			t.Errorf("parseTime(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "2024-10-01", "2024-10-01T07:53:12", "1727769192", "2024-13-01T07:53:12Z", "2024-10-01 07:53:12Z", strings.Repeat("2", 100), "2024-10-01T07:53:12.Z",
		"9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00+14:00",
	} {
		if got, err := parseTime(in); err == nil {
			t.Errorf("parseTime(%q) = %v", in, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2024-10-01T07:53:12.123456Z", "2024-10-01T07:53:12.000 00:00", "2024-10-01T09:53:12+0200", "", "9999-12-31T23:59:60+24:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTime(s)
		if err != nil {
			return
		}
		again, err := parseTime(got.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(got) {
			t.Errorf("%q is %v, which reads back as %v, %v", s, got, again, err)
		}
	})
}

func FuzzQueries(f *testing.F) {
	for _, s := range []string{
		"", "id=1&id=2", "deviceId=1&from=2024-10-01T07:53:12Z&to=2024-10-02T07:53:12Z", "all=true&userId=7", "uniqueId=a&keyword=%20&limit=9999999999999&offset=1", "id=-1&%zz=;",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw)
		if err != nil {
			return
		}
		if ask, err := parsePositionQuery(q); err == nil {
			if ask.from.IsZero() != ask.to.IsZero() || ask.to.Before(ask.from) || ask.deviceID < 0 || len(ask.ids) > maxQueryIDs {
				t.Errorf("%q asks for %+v", raw, ask)
			}
		}
		if page, err := q.page(); err == nil && (page.limit < 0 || page.offset < 0) {
			t.Errorf("%q pages %+v", raw, page)
		}
		if from, to, err := q.period(); err == nil && !from.IsZero() && !to.IsZero() && to.Before(from) {
			t.Errorf("%q is from %v to %v", raw, from, to)
		}
	})
}

func FuzzBodies(f *testing.F) {
	for _, s := range []string{`{"userId":1,"deviceId":2}`, `{"name":"a","uniqueId":"b","attributes":{"x":[1]},"expirationTime":null}`, `null`, `{"attributes":null}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, many := range []bool{false, true} {
			links, err := parseLinks(body, many)
			for _, l := range links {
				if err == nil && (l.OwnerID <= 0 || l.PropertyID <= 0 || !slices.Contains(data.LinkRules[l.Owner], l.Property)) {
					t.Errorf("%s links %+v", body, l)
				}
			}
		}
		var d deviceBody
		if parseJSON(body, &d) == nil {
			_, _ = attributes(d.Attributes, nil)
			_, _ = optionalTime("x", d.ExpirationTime)
			if name, err := text("x", d.Name, maxDeviceName); err == nil && len(name) > 4*maxDeviceName {
				t.Errorf("%s is called %q", body, name)
			}
		}
		var u userBody
		_ = parseJSON(body, &u)
	})
}

// Whole numbers that clients send in another form are taken, and nothing else.
func TestNumbersAreMended(t *testing.T) {
	type body struct {
		ID       int64   `json:"id"`
		DeviceID int64   `json:"deviceId"`
		Zoom     int64   `json:"zoom"`
		Name     string  `json:"name"`
		IDs      []int64 `json:"ids"`
	}
	for sent, want := range map[string]body{
		`{"id":"7","deviceId":8.0,"zoom":12.6,"name":"12.6"}`: {ID: 7, DeviceID: 8, Zoom: 13, Name: "12.6"},
		`{"zoom":-0.4}`:             {},
		`{"zoom":1e2,"id":"-3"}`:    {Zoom: 100, ID: -3},
		`{"ids":["1", 2.0 ,"3"]}`:   {IDs: []int64{1, 2, 3}},
		`{"name":"7","zoom" : "7"}`: {Name: "7", Zoom: 7},
	} {
		var got body
		if err := parseJSON([]byte(sent), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", sent, got, err)
		}
	}
	for _, sent := range []string{
		`{"id":7.5}`, `{"deviceId":7.1}`, `{"zoom":"12.5"}`, `{"zoom":"x7"}`, `{"zoom":""}`, `{"zoom":1e30}`, `{"zoom":true}`, `{"zoom":[1.5]}`, `{"name":7}`,
		`{"zoom":"12345678901234567890"}`, `{"ids":[` + strings.Repeat(`"1",`, maxMended) + `"1"]}`, `{"zoom":"7\\"7"}`,
	} {
		var got body
		if err := parseJSON([]byte(sent), &got); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: %+v, %v", sent, got, err)
		}
	}
}
