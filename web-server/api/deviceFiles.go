package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// imageTypes are the images there may be of a device, with their extensions.
// Drawings (SVG) are not among them: they can hold scripts.
var imageTypes = map[string]string{"image/jpeg": "jpeg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}

// postImage keeps the picture of a device, which is the body (1 MiB at most like
// every body), and answers with the name of its file. It is kept in the store,
// with the device: every web server has it, backups hold it, and it goes when
// the device does.
func (s *Server) postImage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.editableDevice(r)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		if isTooLarge(err) {
			return err
		}
		return invalid("the body cannot be read")
	}
	// What the bytes are counts, not what they are called.
	kind, _, _ := mime.ParseMediaType(http.DetectContentType(content))
	extension, ok := imageTypes[kind]
	if !ok {
		return invalid("this is no picture that browsers can show: send a JPEG, PNG, GIF or WebP file")
	}
	m := data.Media{DeviceID: d.ID, Name: "device." + extension, Type: kind, Content: content}
	if err := s.deps.Store.PutMedia(r.Context(), &m); err != nil {
		return hidden(err)
	}
	s.record(r, actionUpdate, data.DeviceKind, d.ID, map[string]any{"file": m.Name, "bytes": len(content)})
	writeText(w, http.StatusOK, m.Name)
	return nil
}

// getMedia answers with a file of a device.
func (s *Server) getMedia(w http.ResponseWriter, r *http.Request) error {
	uniqueID, err := url.PathUnescape(chi.URLParam(r, "uniqueId"))
	if err != nil {
		return errNoSuchObject
	}
	name, err := url.PathUnescape(chi.URLParam(r, "file"))
	if err != nil {
		return errNoSuchObject
	}
	d, err := s.deps.Store.DeviceByUniqueID(r.Context(), uniqueID)
	if err != nil {
		return hidden(err)
	}
	if !viewerOf(r).CanSee(d.ID) {
		return errNoSuchObject
	}
	m, err := s.deps.Store.Media(r.Context(), d.ID, name)
	if err != nil {
		return hidden(err)
	}
	w.Header().Set("Content-Type", m.Type)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, _ = w.Write(m.Content) // the client has gone: nobody is left to tell
	return nil
}

// putAccumulators sets the counters of a device, totalDistance (metres) and
// hours (milliseconds). They are counted on from the newest position, so that
// position is stored once more, a millisecond later by the device's clock, with
// the new values, marked as no report of the device (fix.SetKey).
func (s *Server) putAccumulators(w http.ResponseWriter, r *http.Request) error {
	d, err := s.editableDevice(r)
	if err != nil {
		return err
	}
	var body struct {
		DeviceID      int64    `json:"deviceId"`
		TotalDistance *float64 `json:"totalDistance"`
		Hours         *int64   `json:"hours"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	switch {
	case body.DeviceID != 0 && body.DeviceID != d.ID:
		return invalid("the deviceId of the body is not the id of the address")
	case body.TotalDistance == nil && body.Hours == nil:
		return invalid("send totalDistance (metres), hours (milliseconds) or both")
	case (body.TotalDistance != nil && *body.TotalDistance < 0) || (body.Hours != nil && *body.Hours < 0):
		return invalid("totalDistance and hours must not be negative")
	}
	last, err := s.deps.Store.LatestPositions(r.Context(), []int64{d.ID})
	if err != nil {
		return fmt.Errorf("read last position: %w", err)
	}
	if len(last) == 0 {
		return invalid("the device has not reported a position yet: there is nothing to count from")
	}
	p := last[:1]
	newest := p[0].DeviceTime
	if t := p[0].Time(); t.After(newest) {
		newest = t
	}
	p[0].ID, p[0].DeviceTime, p[0].Outdated = 0, newest.Add(time.Millisecond), true
	p[0].Attributes = append(data.Attributes(nil), p[0].Attributes...)
	facts := map[string]any{}
	var names []string
	if body.TotalDistance != nil {
		p[0].Attributes.SetFloat("totalDistance", *body.TotalDistance)
		facts["totalDistance"] = *body.TotalDistance
		names = append(names, "totalDistance")
	}
	if body.Hours != nil {
		p[0].Attributes.SetInt("hours", *body.Hours)
		facts["hours"] = *body.Hours
		names = append(names, "hours")
	}
	p[0].Attributes.SetString(fix.SetKey, strings.Join(names, ","))
	for _, key := range []string{"alarm", "event", "result"} { // those happened once
		p[0].Attributes.Set(key, data.Value{})
	}
	if err := s.deps.Store.InsertPositions(r.Context(), p, []uint64{p[0].Fingerprint()}, nil); err != nil {
		return fmt.Errorf("store counters: %w", err)
	}
	if err := s.deps.Bus.PublishLive(data.Shard(d.ID), p); err != nil {
		s.deps.Log.Warn("announce counters", "request", requestID(r.Context()), "device", d.ID, "err", err)
	}
	s.record(r, actionUpdate, data.DeviceKind, d.ID, facts)
	return writeNothing(w)
}
