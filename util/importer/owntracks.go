package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// maxLine bounds a line in bytes.
const maxLine = 1 << 20

// ownTracks is a location as OwnTracks writes it (owntracks.org/booklet/tech/json).
type ownTracks struct {
	Type string `json:"_type"`
	// Degrees.
	Lat *float64 `json:"lat"`
	Lon *float64 `json:"lon"`
	// Tst is seconds since 1970.
	Tst json.Number `json:"tst"`
	Alt float64     `json:"alt"` // m
	Acc float64     `json:"acc"` // m
	Vel float64     `json:"vel"` // km/h
	Cog float64     `json:"cog"` // degrees
	// Batt is per cent.
	Batt *float64 `json:"batt"`
	// P is kilopascals.
	P       *float64 `json:"p"`
	Trigger string   `json:"t"`
}

// readOwnTracks reads what the OwnTracks recorder keeps (.rec: a time, a type
// and JSON on each line) or gives out (JSON: lines, lists, or a list "data").
func readOwnTracks(in *input) error {
	if first, _ := in.r.Peek(1); len(first) == 1 && (first[0] == '{' || first[0] == '[') {
		return elements(in, []string{"data", "locations"}, func(e *element) error { return in.ownTracks(e.raw, e.where) })
	}
	return in.recorder()
}

// recorder reads lines of a .rec file. A line that is broken is left out: the
// last one is when the recorder was stopped.
func (in *input) recorder() error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	found := false
	number := 0
	for in.Next(2 * maxLine); lines.Scan(); in.Next(2 * maxLine) {
		number++
		where := "line " + strconv.Itoa(number)
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		at, rest, ok := bytes.Cut(line, []byte{'\t'})
		if _, isTime := parseTime(string(at)); !ok || !isTime {
			if !found {
				return fmt.Errorf("line %d: this is not a file of the OwnTracks recorder: there is no time at its beginning: %w", number, data.ErrInvalid)
			}
			in.skip("a line that cannot be read", where)
			continue
		}
		found = true
		_, body, _ := bytes.Cut(rest, []byte{'\t'})
		if body = bytes.TrimSpace(body); !json.Valid(body) {
			in.skip("a line that cannot be read", where)
			continue
		}
		if err := in.ownTracks(body, where); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d is longer than %d bytes: %w", number+1, maxLine, data.ErrInvalid)
	case err != nil:
		return fmt.Errorf("line %d: %w", number+1, err)
	case !found:
		return fmt.Errorf("the file is empty: %w", data.ErrInvalid)
	}
	return nil
}

func (in *input) ownTracks(body []byte, where string) error {
	var o ownTracks
	if err := json.Unmarshal(body, &o); err != nil {
		in.skip("a message that cannot be read", where)
		return nil
	}
	switch {
	case o.Type == "encrypted":
		in.skip("an encrypted message", where)
		return nil
	case o.Type != "" && o.Type != "location":
		in.skip("a message that is not a location", where)
		return nil
	case o.Lat == nil || o.Lon == nil:
		in.skip("no place", where)
		return nil
	}
	p := data.Position{
		Latitude: *o.Lat, Longitude: *o.Lon, AltitudeM: o.Alt, AccuracyM: max(o.Acc, 0),
		SpeedKnots: converters.KnotsFromKmh(max(o.Vel, 0)), CourseDeg: max(o.Cog, 0),
	}
	p.FixTime, _ = parseTime(o.Tst.String())
	if o.Batt != nil && *o.Batt >= 0 && *o.Batt <= 100 {
		p.Attributes.SetFloat("batteryLevel", *o.Batt)
	}
	if o.P != nil {
		p.Attributes.SetFloat("pressure", *o.P*10) // hPa
	}
	if o.Trigger != "" {
		p.Attributes.SetString("trigger", o.Trigger)
	}
	return in.add(p, where)
}
