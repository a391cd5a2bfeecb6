package api

import (
	"errors"
	"math"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats"
	"github.com/waymark-gps/waymark/util/mvt"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// exportPositions answers a history as a file, however long it is:
// /positions/{csv|geojson|gpx|jsonl|kml|kmz}?deviceId&from&to[&geofenceId].
func (s *Server) exportPositions(w http.ResponseWriter, r *http.Request) error {
	format, err := formats.Named(chi.URLParam(r, "format"))
	if err != nil {
		return err
	}
	_, ask, err := parseHistoryQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	d, err := s.historyDevice(r, ask.deviceID)
	if err != nil {
		return err
	}
	inside, err := s.within(r, ask.geofenceID)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", format.ContentType)
	w.Header().Set("Content-Disposition", attachment(fileName(&d, &ask)+"."+format.Name))
	out := s.stream(w, r)
	err = s.writeFile(r, format.New(out), &d, &ask, inside)
	if err != nil && !out.started { // the answer becomes a text
		w.Header().Del("Content-Disposition")
	}
	return out.finish(err)
}

// writeFile writes what can be read. Where something cannot, the file ends all
// the same and the error says so; where nothing can, nothing is written.
func (s *Server) writeFile(r *http.Request, file formats.Writer, d *data.Device, ask *positionQuery, inside func(*data.Position) bool) error {
	if err := file.Begin(d); err != nil {
		return err
	}
	some := false
	err := s.walk(r.Context(), s.reader(r), ask, inside, math.MaxInt, func(p *data.Position) error {
		some = true
		return file.Add(p)
	})
	if err != nil && !(some && errors.Is(err, block.ErrCorrupt)) {
		return err
	}
	return errors.Join(err, file.Close())
}

// fileName is what a browser calls the file: the device and the days.
func fileName(d *data.Device, ask *positionQuery) string {
	const day = "2006-01-02"
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_.", r) {
			return r
		}
		return '_'
	}, d.Name)
	name = strings.Trim(name, " .") + " " + ask.from.Format(day)
	if last := ask.to.Format(day); last != ask.from.Format(day) {
		name += " " + last
	}
	return strings.TrimSpace(name)
}

func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

// compressed are the kinds of answer that become smaller by it.
var compressed = func() []string {
	types := []string{"application/json", mvt.ContentType, "application/yaml", "text/html", "text/css"}
	for _, f := range formats.All {
		if f.Name != "kmz" { // is a zip
			types = append(types, f.ContentType)
		}
	}
	return types
}()
