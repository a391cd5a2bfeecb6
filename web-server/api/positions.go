package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/geo/wkt"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// maxPositions bounds an answer. Who needs more asks again from the last
	// fixTime.
	maxPositions = 50_000
	// lineMarginM is how far from a line is on it where the geofence does not say,
	// metres.
	lineMarginM = 25
)

// positionRoutes are those of histories; the long ones stream.
func (s *Server) positionRoutes(r chi.Router) {
	r.Get("/positions", s.handle(s.getPositions))
	r.Delete("/positions", s.handle(s.deletePositions))
	r.Delete("/positions/{id}", s.handle(s.deletePosition))
	r.Get("/positions/{id}/explain", s.handle(s.explainPosition))
	r.Get("/positions/track", s.handle(s.getTrack))
	r.Get("/positions/{format:csv|geojson|gpx|jsonl|kml|kmz}", s.handle(s.exportPositions))
	r.Get("/tiles/{z}/{x}/{y}.mvt", s.handle(s.getTile))
}

// getPositions answers
//   - without parameters: the latest position of every device,
//   - ?id=…&id=…: these positions,
//   - ?deviceId: the latest position of the device,
//   - ?deviceId&from&to: its positions of that time, in order; with &geofenceId
//     those of them in the geofence.
func (s *Server) getPositions(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	ask, err := parsePositionQuery(q)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	switch {
	case ask.ids != nil:
		return s.positionsByID(w, r, v, ask.ids)
	case ask.deviceID == 0:
		return s.latestPositions(w, r, v.DeviceIDs())
	}
	if _, err := s.historyDevice(r, ask.deviceID); err != nil {
		return err
	}
	if ask.from.IsZero() {
		return s.latestPositions(w, r, []int64{ask.deviceID})
	}
	inside, err := s.within(r, ask.geofenceID)
	if err != nil {
		return err
	}
	out := newPositionStream(s.stream(w, r))
	return out.finish(s.walk(r.Context(), s.reader(r), &ask, inside, maxPositions, out.add))
}

// historyDevice is a device whose history the sender may read.
func (s *Server) historyDevice(r *http.Request, id int64) (data.Device, error) {
	if !viewerOf(r).CanSee(id) {
		return data.Device{}, errNoSuchObject
	}
	d, err := s.reader(r).Device(r.Context(), id)
	return d, hidden(err)
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// walk calls each for at most limit of the positions asked for that lie inside.
func (s *Server) walk(ctx context.Context, from reader, ask *positionQuery, inside func(*data.Position) bool, limit int, each func(*data.Position) error) error {
	if inside == nil {
		return from.PositionsBetween(ctx, ask.deviceID, ask.from, ask.to, limit, each)
	}
	err := from.PositionsBetween(ctx, ask.deviceID, ask.from, ask.to, math.MaxInt, func(p *data.Position) error {
		if !inside(p) {
			return nil
		}
		if limit--; limit < 0 {
			return errEnough
		}
		return each(p)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// within is the test for a geofence; nil without one.
func (s *Server) within(r *http.Request, geofenceID int64) (func(*data.Position) bool, error) {
	if geofenceID == 0 {
		return nil, nil
	}
	if !viewerOf(r).Sees(data.GeofenceKind, geofenceID) {
		return nil, errNoSuchObject
	}
	g, err := storage.FindObject[data.Geofence](r.Context(), s.deps.Store, geofenceID)
	if err != nil {
		return nil, hidden(err)
	}
	shape, err := wkt.Parse(g.Area)
	if err != nil {
		return nil, err
	}
	margin, ok := g.Attributes["polylineDistance"].(float64)
	if !ok {
		margin = lineMarginM
	}
	return func(p *data.Position) bool { return wkt.Contains(shape, p.Latitude, p.Longitude, margin) }, nil
}

// positionQuery is what a request for positions asks for.
type positionQuery struct {
	ids      []int64
	deviceID int64
	// from and to are both set or both zero.
	from, to time.Time
	// geofenceID is 0 for everywhere.
	geofenceID int64
}

func parsePositionQuery(q query) (ask positionQuery, err error) {
	if ask.ids, err = q.ids("id"); err != nil {
		return ask, err
	}
	if ask.deviceID, err = q.number("deviceId"); err != nil {
		return ask, err
	}
	if ask.geofenceID, err = q.number("geofenceId"); err != nil {
		return ask, err
	}
	var hasFrom, hasTo bool
	if ask.from, hasFrom, err = q.time("from"); err != nil {
		return ask, err
	}
	if ask.to, hasTo, err = q.time("to"); err != nil {
		return ask, err
	}
	switch {
	case hasFrom != hasTo:
		return ask, invalid("give both from and to")
	case hasFrom && ask.deviceID == 0 && ask.ids == nil:
		return ask, invalid("from and to need a deviceId")
	case hasFrom && ask.to.Before(ask.from):
		return ask, invalid("to is before from")
	case hasFrom && ask.from.IsZero():
		return ask, invalid("from is too long ago")
	case !hasFrom && ask.geofenceID != 0:
		return ask, invalid("a geofenceId needs a deviceId, from and to")
	}
	return ask, nil
}

// parseHistoryQuery reads a query that must name a device and a time.
func parseHistoryQuery(raw string) (query, positionQuery, error) {
	q, err := parseQuery(raw)
	if err != nil {
		return q, positionQuery{}, err
	}
	ask, err := parsePositionQuery(q)
	switch {
	case err != nil:
	case ask.ids != nil:
		err = invalid("give deviceId, from and to instead of id")
	case ask.deviceID == 0 || ask.from.IsZero():
		err = invalid("give deviceId, from and to")
	}
	return q, ask, err
}

func (s *Server) positionsByID(w http.ResponseWriter, r *http.Request, v *access.Viewer, ids []int64) error {
	found, err := s.reader(r).PositionsByID(r.Context(), ids)
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	found = slices.DeleteFunc(found, func(p data.Position) bool { return !v.CanSee(p.DeviceID) })
	return s.writePositions(w, r, found)
}

func (s *Server) latestPositions(w http.ResponseWriter, r *http.Request, deviceIDs []int64) error {
	found, err := s.reader(r).LatestPositions(r.Context(), deviceIDs)
	if err != nil {
		return fmt.Errorf("read latest positions: %w", err)
	}
	return s.writePositions(w, r, found)
}

func (s *Server) writePositions(w http.ResponseWriter, r *http.Request, positions []data.Position) error {
	out := newPositionStream(s.stream(w, r))
	for i := range positions {
		if err := out.add(&positions[i]); err != nil {
			return out.finish(err)
		}
	}
	return out.finish(nil)
}

// deletePositions removes the history of a device between two times.
func (s *Server) deletePositions(w http.ResponseWriter, r *http.Request) error {
	_, ask, err := parseHistoryQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if ask.geofenceID != 0 {
		return invalid("positions are deleted by time, not by geofence")
	}
	if err := s.erase(r, ask.deviceID, ask.from, ask.to); err != nil {
		return err
	}
	return writeNothing(w)
}

// deletePosition removes one position. History is kept by time, so what else
// the device reported for the very same moment would go with it: then nothing
// is removed.
func (s *Server) deletePosition(w http.ResponseWriter, r *http.Request) error {
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
	p, same := &found[0], 0
	err = s.deps.Store.PositionsBetween(r.Context(), p.DeviceID, p.Time(), p.Time(), 2, func(*data.Position) error { same++; return nil })
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	if same > 1 {
		return fmt.Errorf("%w: the device has several positions of that moment; delete them together with deviceId, from and to", data.ErrConflict)
	}
	if err := s.erase(r, p.DeviceID, p.Time(), p.Time()); err != nil {
		return err
	}
	return writeNothing(w)
}

// erase removes history for those who may change the device and own it.
func (s *Server) erase(r *http.Request, deviceID int64, from, to time.Time) error {
	v := viewerOf(r)
	d, err := s.historyDevice(r, deviceID)
	if err != nil {
		return err
	}
	if err := v.MayEdit(data.DeviceKind); err != nil {
		return err
	}
	if err := s.deps.Store.DeletePositions(r.Context(), deviceID, from, to); err != nil {
		return fmt.Errorf("delete positions: %w", err)
	}
	s.tracks.forget(deviceID)
	s.deviceChanged(r, data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID})
	s.record(r, actionErase, data.DeviceKind, deviceID, map[string]any{"from": timeText(from), "to": timeText(to)})
	return nil
}

// actionErase is the audit's word for removing history.
const actionErase = "deletePositions"
