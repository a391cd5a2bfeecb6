package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/computed"
)

// eventRoutes are those of what happened, and of what is computed.
func (s *Server) eventRoutes(r chi.Router) {
	r.Get("/events/{id}", s.handle(s.getEvent))
	r.Post("/attributes/computed/test", s.handle(s.postComputedTest))
}

// getEvent answers with one event of a device that the sender may see.
func (s *Server) getEvent(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	e, err := s.deps.Store.Event(r.Context(), id)
	if err != nil {
		return hidden(err)
	}
	if !viewerOf(r).CanSee(e.DeviceID) {
		return errNoSuchObject
	}
	return writeJSON(w, e.AppendJSON(nil))
}

// postComputedTest computes an attribute (the body, which need not be stored)
// of the last position of a device: its value as JSON, or 204 if it has none
// there.
func (s *Server) postComputedTest(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id, err := q.number("deviceId")
	if err != nil {
		return err
	}
	var a data.ComputedAttribute
	if err := readJSON(r, &a); err != nil {
		return err
	}
	if !viewerOf(r).CanSee(id) {
		return errNoSuchObject
	}
	last, err := s.deps.Store.LatestPositions(r.Context(), []int64{id})
	if err != nil {
		return err
	}
	if len(last) == 0 {
		return invalid("the device has not reported yet, so there is nothing to compute from")
	}
	v, err := computed.Test(&a, &last[0])
	if err != nil {
		return err
	}
	if v.Kind() == data.KindNone {
		return writeNothing(w)
	}
	return writeJSON(w, v.AppendJSON(nil))
}
