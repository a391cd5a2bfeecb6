package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/waymark-gps/waymark/data"
)

// postPermission lets a user see a device.
func (s *Server) postPermission(w http.ResponseWriter, r *http.Request) error {
	userID, deviceID, err := readPermission(r)
	if err != nil {
		return err
	}
	if err := s.deps.Store.LinkDevice(r.Context(), userID, deviceID); err != nil {
		return hidden(err)
	}
	s.userChanged(r, data.UserChange{ID: userID})
	return writeNothing(w)
}

// deletePermission ends that; ending what is not there is no error.
func (s *Server) deletePermission(w http.ResponseWriter, r *http.Request) error {
	userID, deviceID, err := readPermission(r)
	if err != nil {
		return err
	}
	err = s.deps.Store.UnlinkDevice(r.Context(), userID, deviceID)
	if err != nil && !errors.Is(err, data.ErrNotFound) {
		return err
	}
	s.userChanged(r, data.UserChange{ID: userID})
	return writeNothing(w)
}

// readPermission reads {"userId":1,"deviceId":2}.
func readPermission(r *http.Request) (userID, deviceID int64, err error) {
	var body map[string]json.RawMessage
	if err := readJSON(r, &body); err != nil {
		return 0, 0, err
	}
	return parsePermission(body)
}

func parsePermission(body map[string]json.RawMessage) (userID, deviceID int64, err error) {
	user, hasUser := body["userId"]
	device, hasDevice := body["deviceId"]
	if len(body) != 2 || !hasUser || !hasDevice {
		return 0, 0, invalid(`only users can be linked, to devices: send {"userId":1,"deviceId":2} and nothing else`)
	}
	if json.Unmarshal(user, &userID) != nil || json.Unmarshal(device, &deviceID) != nil || userID <= 0 || deviceID <= 0 {
		return 0, 0, invalid("userId and deviceId must be numbers above 0")
	}
	return userID, deviceID, nil
}
