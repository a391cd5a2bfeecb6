package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// The longest texts of a device, in characters.
const (
	maxDeviceName = 128
	maxUniqueID   = 128
	maxDeviceText = 512
)

// deviceBody is what clients send of a device. A field left out stays as it is.
type deviceBody struct {
	ID             int64           `json:"id"`
	Name           *string         `json:"name"`
	UniqueID       *string         `json:"uniqueId"`
	GroupID        int64           `json:"groupId"`
	Phone          *string         `json:"phone"`
	Model          *string         `json:"model"`
	Contact        *string         `json:"contact"`
	Category       *string         `json:"category"`
	Disabled       bool            `json:"disabled"`
	ExpirationTime *string         `json:"expirationTime"`
	Attributes     json.RawMessage `json:"attributes"`
}

// readDevice reads the body over d and checks the result.
func readDevice(r *http.Request, d *data.Device) error {
	expires := timeText(d.ExpiresAt)
	body := deviceBody{
		ID: d.ID, Name: &d.Name, UniqueID: &d.UniqueID, GroupID: d.GroupID, Phone: &d.Phone, Model: &d.Model,
		Contact: &d.Contact, Category: &d.Category, Disabled: d.Disabled, ExpirationTime: &expires,
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if d.ID != 0 && body.ID != 0 && body.ID != d.ID {
		return invalid("the id of the body is not the id of the address")
	}
	if body.GroupID < 0 {
		return invalid("groupId must not be negative")
	}
	d.GroupID, d.Disabled = body.GroupID, body.Disabled
	for _, field := range []struct {
		name string
		from *string
		to   *string
		max  int
	}{
		{"the name", body.Name, &d.Name, maxDeviceName},
		{"the identifier", body.UniqueID, &d.UniqueID, maxUniqueID},
		{"the phone", body.Phone, &d.Phone, maxUniqueID},
		{"the model", body.Model, &d.Model, maxDeviceText},
		{"the contact", body.Contact, &d.Contact, maxDeviceText},
		{"the category", body.Category, &d.Category, maxUniqueID},
	} {
		clean, err := text(field.name, field.from, field.max)
		if err != nil {
			return err
		}
		*field.to = clean
	}
	var err error
	if d.ExpiresAt, err = optionalTime("expirationTime", body.ExpirationTime); err != nil {
		return err
	}
	if d.Attributes, err = attributes(body.Attributes, d.Attributes); err != nil {
		return err
	}
	switch {
	case d.UniqueID == "":
		return invalid("the identifier (uniqueId) is missing: it is what the device calls itself, often its IMEI")
	case d.Name == "":
		return invalid("the name is missing")
	}
	return nil
}

// getDevices lists devices: ?all ?userId ?id… ?uniqueId… ?keyword ?limit ?offset.
func (s *Server) getDevices(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	f, err := deviceFilter(q, &auth.Viewer{User: identityOf(r).user})
	if err != nil {
		return err
	}
	devices, err := s.deps.Store.ListDevices(r.Context(), f)
	if err != nil {
		return fmt.Errorf("list devices: %w", err)
	}
	now := s.deps.Now()
	b := make([]byte, 0, 512*(len(devices)+1))
	return writeJSON(w, appendList(b, len(devices), func(b []byte, i int) []byte { return devices[i].AppendJSON(b, now) }))
}

// deviceFilter reads the query of a list of devices. Whatever it asks for,
// only an administrator gets more than what is linked to the account.
func deviceFilter(q query, v *auth.Viewer) (f storage.DeviceFilter, err error) {
	all, err := q.flag("all")
	if err != nil {
		return f, err
	}
	userID, err := q.number("userId")
	if err != nil {
		return f, err
	}
	switch {
	case !v.AllDevices():
		if userID != 0 && !v.CanSeeUser(userID) {
			return f, errNoSuchObject
		}
		f.UserID = v.User.ID
	case !all:
		f.UserID = userID
	}
	if f.IDs, err = q.ids("id"); err != nil {
		return f, err
	}
	if f.UniqueIDs = q.Values["uniqueId"]; len(f.UniqueIDs) > maxQueryIDs {
		return f, invalid("uniqueId may be given at most %d times", maxQueryIDs)
	}
	if f.IDs != nil && f.UniqueIDs != nil {
		return f, invalid("give id or uniqueId, not both")
	}
	limit, err := q.number("limit")
	if err != nil {
		return f, err
	}
	offset, err := q.number("offset")
	if err != nil {
		return f, err
	}
	f.Keyword = q.Get("keyword")
	f.Limit, f.Offset = int(min(limit, math.MaxInt32)), int(min(offset, math.MaxInt32))
	return f, nil
}

func (s *Server) getDevice(w http.ResponseWriter, r *http.Request) error {
	d, err := s.visibleDevice(r)
	if err != nil {
		return err
	}
	return writeJSON(w, d.AppendJSON(nil, s.deps.Now()))
}

func (s *Server) visibleDevice(r *http.Request) (data.Device, error) {
	id, err := pathID(r)
	if err != nil {
		return data.Device{}, err
	}
	v, err := s.viewer(r)
	if err != nil {
		return data.Device{}, err
	}
	if !v.CanSee(id) {
		return data.Device{}, errNoSuchObject
	}
	d, err := s.deps.Store.Device(r.Context(), id)
	return d, hidden(err)
}

// postDevice creates a device and links it to its creator.
func (s *Server) postDevice(w http.ResponseWriter, r *http.Request) error {
	var d data.Device
	if err := readDevice(r, &d); err != nil {
		return err
	}
	if err := s.createDevice(r, &d); err != nil {
		return err
	}
	return writeJSON(w, d.AppendJSON(nil, s.deps.Now()))
}

// createDevice stores d, links it to the sender of the request, and says so.
func (s *Server) createDevice(r *http.Request, d *data.Device) error {
	if err := identifierTaken(s.deps.Store.CreateDevice(r.Context(), d), d); err != nil {
		return err
	}
	user := identityOf(r).user.ID
	if err := s.deps.Store.LinkDevice(r.Context(), user, d.ID); err != nil {
		// Nobody but administrators would see it, and it could not be created again.
		return errors.Join(fmt.Errorf("link new device: %w", err), s.deps.Store.DeleteDevice(r.Context(), d.ID))
	}
	s.userChanged(r, data.UserChange{ID: user})
	s.deviceChanged(r, data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID})
	return nil
}

func identifierTaken(err error, d *data.Device) error {
	if errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("%w: the identifier %s belongs to another device already", data.ErrConflict, d.UniqueID)
	}
	return err
}

func (s *Server) putDevice(w http.ResponseWriter, r *http.Request) error {
	old, err := s.visibleDevice(r)
	if err != nil {
		return err
	}
	d := old
	d.Attributes = maps.Clone(old.Attributes)
	if err := readDevice(r, &d); err != nil {
		return err
	}
	if err := identifierTaken(s.deps.Store.UpdateDevice(r.Context(), &d), &d); err != nil {
		return hidden(err)
	}
	change := data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID}
	if old.UniqueID != d.UniqueID {
		change.OldUniqueID = old.UniqueID
	}
	s.deviceChanged(r, change)
	return writeJSON(w, d.AppendJSON(nil, s.deps.Now()))
}

// deleteDevice removes a device with its positions, for everybody.
func (s *Server) deleteDevice(w http.ResponseWriter, r *http.Request) error {
	d, err := s.visibleDevice(r)
	if err != nil {
		return err
	}
	if err := s.deps.Store.DeleteDevice(r.Context(), d.ID); err != nil {
		return hidden(err)
	}
	s.deviceChanged(r, data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID, Removed: true})
	return writeNothing(w)
}
