package api

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/version"
)

// getServer describes the server; clients ask before anybody has signed in.
// newServer tells them to offer to create the first account. What Waymark does
// not have is off: reports, commands, mail, geocoding.
func (s *Server) getServer(w http.ResponseWriter, r *http.Request) error {
	users, err := s.deps.Store.CountUsers(r.Context())
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	b := []byte(`{"id":1,"attributes":{},"registration":false,"readonly":false,"deviceReadonly":false,` +
		`"limitCommands":true,"disableReports":true,"fixedEmail":false,"forceSettings":false,` +
		`"map":null,"bingKey":null,"mapUrl":null,"overlayUrl":null,"latitude":0.0,"longitude":0.0,"zoom":0,` +
		`"coordinateFormat":null,"poiLayer":null,"announcement":null,` +
		`"emailEnabled":false,"textEnabled":false,"geocoderEnabled":false,"openIdEnabled":false,"openIdForce":false,` +
		`"storageSpace":null,"version":`)
	b = data.AppendJSONString(b, version.Version)
	b = append(b, `,"newServer":`...)
	b = strconv.AppendBool(b, users == 0)
	return writeJSON(w, append(b, '}'))
}

// getHealth answers OK while we can serve.
func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) error {
	if err := s.deps.Ready(r.Context()); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	writeText(w, http.StatusOK, "OK")
	return nil
}
