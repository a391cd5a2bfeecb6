package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement/filter"
)

// explanation says what became of a position.
type explanation struct {
	Position json.RawMessage `json:"position"`
	// Stored is what processing made of it when it came; Now is what it would make
	// of it under the settings of now.
	Stored verdict `json:"stored"`
	Now    verdict `json:"now"`
	// Trip and Stop are where it belongs; at most one is not null.
	Trip      *spanOf         `json:"trip"`
	Stop      *spanOf         `json:"stop"`
	Geofences []geofenceVisit `json:"geofences"`
	// Settings are those that somebody has set.
	Settings []setting `json:"settings"`
}

type verdict struct {
	// Counts: its place counts. Reason is the filter's name if not, and Text says
	// it to people.
	Counts bool   `json:"counts"`
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"`
	// Value and Limit are the numbers behind it, in the unit of the reason.
	Value float64 `json:"value,omitempty"`
	Limit float64 `json:"limit,omitempty"`

	Distance      float64 `json:"distance"`
	TotalDistance float64 `json:"totalDistance"`
	Motion        bool    `json:"motion"`
	Hours         int64   `json:"hours"`
}

type spanOf struct {
	Kind      string    `json:"kind,omitempty"`
	StartTime time.Time `json:"startTime"`
	EndTime   time.Time `json:"endTime"`
	// Open: it goes on.
	Open     bool    `json:"open"`
	Distance float64 `json:"distance"`
}

type geofenceVisit struct {
	ID    int64     `json:"id"`
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

type setting struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
	// Source is "server", "group" or "device".
	Source string `json:"source"`
}

// explainPosition answers what became of a position and why.
func (s *Server) explainPosition(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	found, err := s.deps.Store.PositionsByID(r.Context(), []int64{id})
	if err != nil {
		return fmt.Errorf("read position: %w", err)
	}
	if len(found) == 0 || !viewerOf(r).CanSee(found[0].DeviceID) {
		return errNoSuchObject
	}
	p := &found[0]
	answer := explanation{Position: p.AppendJSON(nil), Stored: storedVerdict(p)}
	x, err := derive.Explain(r.Context(), s.deps.Store, s.settings(), p)
	if errors.Is(err, data.ErrNotFound) {
		return errNoSuchObject
	}
	if err != nil {
		return err
	}
	answer.Now = verdictOf(x.Now)
	answer.Now.Distance, answer.Now.TotalDistance = cm(x.Derived.DistanceM), cm(x.Derived.TotalDistanceM)
	answer.Now.Motion, answer.Now.Hours = x.Derived.Motion, x.Derived.HoursMS
	if t := x.Trip; t != nil {
		answer.Trip = &spanOf{t.Kind.String(), t.Start.At(), t.End.At(), x.Open, metres(t.DistanceMM)}
	}
	if st := x.Stop; st != nil {
		answer.Stop = &spanOf{"", st.Start.At(), st.End.At(), x.Open, 0}
	}
	answer.Geofences, answer.Settings = visitsOf(r, x), settingsOf(x.Settings)
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("write explanation: %w", err)
	}
	return writeJSON(w, b)
}

// cm rounds metres as they are stored with positions.
func cm(metres float64) float64 { return math.Round(metres*100) / 100 }

func metres(mm int64) float64 { return float64(mm) / 1000 }

// settings knows what holds for devices.
func (s *Server) settings() derive.Fleet {
	if s.deps.Fleet != nil {
		return s.deps.Fleet
	}
	return fleet.New(s.deps.Store, s.deps.Log, s.deps.Now)
}

func verdictOf(m filter.Mark) verdict {
	return verdict{Counts: m.Reason == "", Reason: string(m.Reason), Text: m.String(), Value: m.Value, Limit: m.Limit}
}

func storedVerdict(p *data.Position) verdict {
	v := verdictOf(filter.MarkOf(p.Attributes))
	v.Distance, _ = p.Attributes.Get("distance").Float()
	v.TotalDistance, _ = p.Attributes.Get("totalDistance").Float()
	v.Motion, _ = p.Attributes.Get("motion").Bool()
	hours, _ := p.Attributes.Get("hours").Float()
	v.Hours = int64(hours)
	return v
}

// visitsOf are the geofences that the device was in, of those that the sender
// may see.
func visitsOf(r *http.Request, x *derive.Explanation) []geofenceVisit {
	v := viewerOf(r)
	out := []geofenceVisit{}
	for _, visit := range x.State.Fences.Visits() {
		i := slices.IndexFunc(x.Settings.Geofences, func(g data.Geofence) bool { return g.ID == visit.Fence })
		if i >= 0 && v.Sees(data.GeofenceKind, visit.Fence) {
			out = append(out, geofenceVisit{visit.Fence, x.Settings.Geofences[i].Name, time.UnixMilli(visit.Since).UTC()})
		}
	}
	return out
}

// settingsOf are the settings of filters and movement that somebody has set,
// with who counts.
func settingsOf(of *fleet.Settings) []setting {
	values := map[string]any{}
	for _, from := range of.Attributes { // a later one counts more
		for key, value := range from {
			if value != nil && (strings.HasPrefix(key, "filter.") || strings.HasPrefix(key, "movement.") || key == "timezone") {
				values[key] = value
			}
		}
	}
	out := []setting{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, setting{key, values[key], fleet.Source(of.Attributes, key)})
	}
	return out
}
