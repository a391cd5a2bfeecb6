package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geofence/files"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// geofencesPath takes bodies of files.MaxBytes.
	geofencesPath = "/api/geofences/import"
	// exportChunk is how many geofences are read at a time.
	exportChunk = 200
	// maxProblems is how many mistakes of a file are told of at once.
	maxProblems = 20
)

// exportGeofences answers geofences as a file: ?format and, for a choice, ?id
// (several) ?userId ?deviceId ?groupId.
func (s *Server) exportGeofences(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	format, err := files.Named(cmp.Or(q.Get("format"), "geojson"))
	if err != nil {
		return err
	}
	ids, err := s.geofenceIDs(r, q)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", format.ContentType)
	w.Header().Set("Content-Disposition", attachment("geofences."+format.Name))
	out := newStream(w, s.requestLog(r))
	err = format.Write(out, func(each func(*data.Geofence) error) error {
		for chunk := range slices.Chunk(ids, exportChunk) {
			found, err := storage.ListObjects[data.Geofence](r.Context(), s.deps.Store, storage.ObjectFilter{IDs: chunk})
			if err != nil {
				return fmt.Errorf("list geofences: %w", err)
			}
			for i := range found {
				if err := each(&found[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, data.ErrInvalid) { // they came from a time or a server with other rules
		s.requestLog(r).Warn("geofences left out of a file", "err", err)
		err = nil
	}
	if err != nil && !out.started { // the answer becomes a text
		w.Header().Del("Content-Disposition")
	}
	return out.finish(err)
}

// geofenceIDs are the geofences asked for.
func (s *Server) geofenceIDs(r *http.Request, q query) ([]int64, error) {
	asked, err := q.ids("id")
	if err != nil {
		return nil, err
	}
	v := viewerOf(r)
	for _, id := range asked {
		if !v.Sees(data.GeofenceKind, id) {
			return nil, errNoSuchObject
		}
	}
	if asked == nil {
		if ids, err := s.chosen(r, q, data.GeofenceKind); ids != nil || err != nil {
			return ids, err
		}
	}
	found, err := s.deps.Store.Documents(r.Context(), storage.ObjectFilter{Kind: data.GeofenceKind, IDs: asked})
	if err != nil {
		return nil, fmt.Errorf("list geofences: %w", err)
	}
	ids := make([]int64, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	for _, id := range asked { // administrators see what does not exist, too
		if !slices.Contains(ids, id) {
			return nil, errNoSuchObject
		}
	}
	return ids, nil
}

// skippedFeature is one of a file that became no geofence.
type skippedFeature struct {
	Feature int    `json:"feature"`
	Name    string `json:"name"`
	Reason  string `json:"reason"`
}

// imported is the answer to an import.
type imported struct {
	Geofences []data.Geofence  `json:"geofences"`
	Skipped   []skippedFeature `json:"skipped"`
}

// importGeofences makes geofences of a file, which is the body: ?format, or the
// content type says it; ?width of lines and ?radius of points in metres. All of
// them are made or none, except that ?skip=true leaves out what is wrong.
func (s *Server) importGeofences(w http.ResponseWriter, r *http.Request) error {
	v := viewerOf(r)
	if err := v.MayEdit(data.GeofenceKind); err != nil {
		return err
	}
	select {
	case s.uploads <- struct{}{}: // reading takes many times the memory of a file
		defer func() { <-s.uploads }()
	default:
		return fmt.Errorf("%w: other files are coming in, try again in a minute", data.ErrUnavailable)
	}
	answer, err := readGeofences(r)
	if err != nil {
		return err
	}
	if n := len(v.IDs(data.GeofenceKind)); n+len(answer.Geofences) > maxObjects {
		return fmt.Errorf("%w: you have %d already, with these it would be more than %d", data.ErrConflict, n, maxObjects)
	}
	if err := s.makeGeofences(r, answer.Geofences); err != nil {
		return err
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("write the import: %w", err)
	}
	return writeJSON(w, b)
}

// readGeofences reads the file of a request.
func readGeofences(r *http.Request) (*imported, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	format, err := files.Named(cmp.Or(q.Get("format"), r.Header.Get("Content-Type")))
	if err != nil {
		return nil, err
	}
	var o files.Options
	if o.WidthM, err = q.metres("width"); err != nil {
		return nil, err
	}
	if o.RadiusM, err = q.metres("radius"); err != nil {
		return nil, err
	}
	skip, err := q.flag("skip")
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if isTooLarge(err) {
		return nil, err
	} else if err != nil {
		return nil, invalid("the body cannot be read")
	}
	found, err := format.Read(body, o)
	if err != nil {
		return nil, err
	}
	answer := &imported{Geofences: []data.Geofence{}, Skipped: []skippedFeature{}}
	for i := range found {
		one := &found[i]
		if one.Err == nil {
			one.Err = checkImported(&one.Geofence)
		}
		if one.Err != nil {
			answer.Skipped = append(answer.Skipped, skippedFeature{one.Number, one.Geofence.Name, textOf(one.Err, data.ErrInvalid, "it is not understood")})
			continue
		}
		answer.Geofences = append(answer.Geofences, one.Geofence)
	}
	switch {
	case len(found) == 0:
		return nil, invalid("there is no geofence in the file")
	case len(answer.Skipped) > 0 && !skip:
		return nil, invalid("nothing was imported (skip=true leaves out what is wrong):%s", firstProblems(answer.Skipped))
	}
	return answer, nil
}

func checkImported(g *data.Geofence) error {
	if err := checkGeofence(g); err != nil {
		return err
	}
	if b, err := json.Marshal(g); err != nil || len(b) > maxObject {
		return invalid("it is larger than %d KiB", maxObject>>10)
	}
	return nil
}

// firstProblems names the first features that are wrong, a line each.
func firstProblems(skipped []skippedFeature) string {
	var b strings.Builder
	for i, one := range skipped {
		if i == maxProblems {
			fmt.Fprintf(&b, "\nand %d more", len(skipped)-i)
			break
		}
		fmt.Fprintf(&b, "\n%d (%s): %s", one.Feature, one.Name, one.Reason)
	}
	return b.String()
}

// metres reads a length above 0; 0 if there is none.
func (q query) metres(name string) (float64, error) {
	v := q.Get(name)
	if v == "" {
		return 0, nil
	}
	m, err := strconv.ParseFloat(v, 64)
	if err != nil || !(m > 0 && m <= 1e6) {
		return 0, invalid("%s must be metres, above 0 and at most 1000000", name)
	}
	return m, nil
}

// makeGeofences stores new geofences and links them to their maker: all of them,
// or none.
func (s *Server) makeGeofences(r *http.Request, geofences []data.Geofence) (err error) {
	made := 0
	defer func() {
		if err == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), requestTimeout)
		defer cancel()
		for i := range geofences[:made] {
			err = errors.Join(err, s.deps.Store.DeleteObject(ctx, data.GeofenceKind, geofences[i].ID))
		}
	}()
	var links []data.Link
	for i := range geofences {
		if err := s.deps.Store.CreateObject(r.Context(), &geofences[i]); err != nil {
			return fmt.Errorf("create geofence %d of %d: %w", i+1, len(geofences), err)
		}
		made++
		links = append(links, data.Link{Owner: data.UserKind, OwnerID: viewerOf(r).User.ID, Property: data.GeofenceKind, PropertyID: geofences[i].ID})
	}
	if err := s.deps.Store.AddLinks(r.Context(), links...); err != nil {
		return fmt.Errorf("link new geofences: %w", err)
	}
	s.accessChanged(r, linksChanged(links[:min(1, len(links))])) // all to one account
	for i := range geofences {
		s.record(r, actionCreate, data.GeofenceKind, geofences[i].ID, named(&geofences[i]))
	}
	return nil
}
