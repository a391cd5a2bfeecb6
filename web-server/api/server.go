package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/version"
)

// serverAnswer is the API's server object: the settings, and what this server
// can do. There is one, with id 1.
type serverAnswer struct {
	ID int64 `json:"id"`
	data.Server
	EmailEnabled    bool `json:"emailEnabled"`
	TextEnabled     bool `json:"textEnabled"`
	GeocoderEnabled bool `json:"geocoderEnabled"`
	OpenIDEnabled   bool `json:"openIdEnabled"`
	OpenIDForce     bool `json:"openIdForce"`
	// StorageSpace is not told: with a database elsewhere nobody here knows it.
	StorageSpace []int64 `json:"storageSpace"`
	Version      string  `json:"version"`
	// NewServer tells clients to offer to create the first account.
	NewServer bool `json:"newServer"`
}

// getServer describes the server; clients ask before anybody has signed in.
// What Waymark does not have is off: geocoding, text messages.
func (s *Server) getServer(w http.ResponseWriter, r *http.Request) error {
	users, err := s.deps.Store.CountUsers(r.Context())
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	settings, err := s.deps.Store.Server(r.Context())
	if err != nil {
		return fmt.Errorf("read server settings: %w", err)
	}
	return s.answerServer(w, settings, users == 0)
}

func (s *Server) answerServer(w http.ResponseWriter, settings data.Server, newServer bool) error {
	b, err := json.Marshal(serverAnswer{
		ID: 1, Server: settings, Version: version.Version, NewServer: newServer,
		EmailEnabled: s.deps.Mail != nil && s.cfg.URL != "", OpenIDEnabled: s.openID != nil, OpenIDForce: s.openIDForced(),
	})
	if err != nil {
		return fmt.Errorf("write server settings: %w", err)
	}
	return writeJSON(w, b)
}

// putServer changes the settings. A field left out stays as it is.
func (s *Server) putServer(w http.ResponseWriter, r *http.Request) error {
	settings, err := s.deps.Store.Server(r.Context())
	if err != nil {
		return fmt.Errorf("read server settings: %w", err)
	}
	if err := readJSON(r, &settings); err != nil {
		return err
	}
	for what, t := range map[string]*data.Text{
		"map": &settings.Map, "bingKey": &settings.BingKey, "mapUrl": &settings.MapURL, "overlayUrl": &settings.OverlayURL,
		"coordinateFormat": &settings.CoordinateFormat, "poiLayer": &settings.PoiLayer,
	} {
		if err := clean(what, t, maxText, false); err != nil {
			return err
		}
	}
	if len(settings.Announcement) > maxText {
		return invalid("the announcement is longer than %d bytes", maxText)
	}
	if err := checkMapPlace(float64(settings.Latitude), float64(settings.Longitude), settings.Zoom); err != nil {
		return err
	}
	if err := s.deps.Store.UpdateServer(r.Context(), &settings); err != nil {
		return fmt.Errorf("store server settings: %w", err)
	}
	s.accessChanged(r, data.AccessChange{All: true})
	s.record(r, actionUpdate, "server", 1, nil)
	return s.answerServer(w, settings, false)
}

// checkMapPlace checks where a map begins.
func checkMapPlace(latitude, longitude float64, zoom int64) error {
	switch {
	case latitude < -90 || latitude > 90:
		return invalid("latitude must be -90 to 90")
	case longitude < -180 || longitude > 180:
		return invalid("longitude must be -180 to 180")
	case zoom < 0 || zoom > 30:
		return invalid("zoom must be 0 to 30")
	}
	return nil
}

// timezones are the names of the IANA time zone database, a line each; Go knows
// the zones but does not list them.
//
//go:embed timezones.txt
var timezones string

func (s *Server) getTimezones(w http.ResponseWriter, _ *http.Request) error {
	names := strings.Fields(timezones)
	return writeJSON(w, appendList(nil, len(names), func(b []byte, i int) []byte { return data.AppendJSONString(b, names[i]) }))
}

// getHealth answers OK while we can serve.
func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) error {
	if err := s.deps.Ready(r.Context()); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	writeText(w, http.StatusOK, "OK")
	return nil
}
