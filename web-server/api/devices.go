package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
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
	CalendarID     int64           `json:"calendarId"`
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
		ID: d.ID, Name: &d.Name, UniqueID: &d.UniqueID, GroupID: d.GroupID, CalendarID: d.CalendarID, Phone: &d.Phone, Model: &d.Model,
		Contact: &d.Contact, Category: &d.Category, Disabled: d.Disabled, ExpirationTime: &expires,
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if d.ID != 0 && body.ID != 0 && body.ID != d.ID {
		return invalid("the id of the body is not the id of the address")
	}
	d.GroupID, d.CalendarID, d.Disabled = body.GroupID, body.CalendarID, body.Disabled
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

// getDevices lists devices: ?all ?userId ?groupId ?deviceId ?id… ?uniqueId…
// ?keyword ?limit ?offset ?excludeAttributes.
func (s *Server) getDevices(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := q.page()
	if err != nil {
		return err
	}
	f, err := s.deviceFilter(r, q)
	if err != nil {
		return err
	}
	f.Keyword, f.Limit, f.Offset = page.keyword, page.limit, page.offset
	devices, err := s.reader(r).ListDevices(r.Context(), f)
	if err != nil {
		return fmt.Errorf("list devices: %w", err)
	}
	now := s.clock(r)
	b := make([]byte, 0, 512*(len(devices)+1))
	return writeJSON(w, appendList(b, len(devices), func(b []byte, i int) []byte {
		if page.excludeAttributes {
			devices[i].Attributes = nil
		}
		return shown(r, &devices[i]).AppendJSON(b, now)
	}))
}

// deviceFilter reads which devices a list shows.
func (s *Server) deviceFilter(r *http.Request, q query) (f storage.DeviceFilter, err error) {
	if f.IDs, err = s.chosen(r, q, data.DeviceKind); err != nil {
		return f, err
	}
	asked, err := q.ids("id")
	if err != nil {
		return f, err
	}
	if f.UniqueIDs = q.Values["uniqueId"]; len(f.UniqueIDs) > maxQueryIDs {
		return f, invalid("uniqueId may be given at most %d times", maxQueryIDs)
	}
	if asked != nil && f.UniqueIDs != nil {
		return f, invalid("give id or uniqueId, not both")
	}
	if f.IDs == nil {
		f.IDs = asked
	} else if asked != nil {
		f.IDs = intersect(f.IDs, asked)
	}
	groupID, err := q.number("groupId")
	if err != nil || groupID == 0 {
		return f, err
	}
	if !viewerOf(r).Sees(data.GroupKind, groupID) {
		return f, errNoSuchObject
	}
	f.GroupIDs = []int64{groupID}
	return f, nil
}

func (s *Server) getDevice(w http.ResponseWriter, r *http.Request) error {
	d, err := s.visibleDevice(r)
	if err != nil {
		return err
	}
	return writeJSON(w, shown(r, &d).AppendJSON(nil, s.clock(r)))
}

// shown is a device as the sender of a request may see it: its secrets are for
// those who may change it.
func shown(r *http.Request, d *data.Device) *data.Device {
	if viewerOf(r).MayEdit(data.DeviceKind) != nil {
		return d.WithoutSecrets()
	}
	return d
}

// visibleDevice is the device of the address, if the sender may see it.
func (s *Server) visibleDevice(r *http.Request) (data.Device, error) {
	id, err := pathID(r)
	if err != nil {
		return data.Device{}, err
	}
	if !viewerOf(r).CanSee(id) {
		return data.Device{}, errNoSuchObject
	}
	d, err := s.reader(r).Device(r.Context(), id)
	return d, hidden(err)
}

// editableDevice is visibleDevice for those who may change it.
func (s *Server) editableDevice(r *http.Request) (data.Device, error) {
	d, err := s.visibleDevice(r)
	if err == nil {
		err = viewerOf(r).MayEdit(data.DeviceKind)
	}
	return d, err
}

// postDevice creates a device and links it to its creator.
func (s *Server) postDevice(w http.ResponseWriter, r *http.Request) error {
	if err := mayCreateDevice(viewerOf(r)); err != nil {
		return err
	}
	var d data.Device
	if err := readDevice(r, &d); err != nil {
		return err
	}
	if err := s.checkReferences(r, nil, deviceReferences(&d)); err != nil {
		return err
	}
	if err := s.createDevice(r, &d); err != nil {
		return err
	}
	return writeJSON(w, d.AppendJSON(nil, s.deps.Now()))
}

func deviceReferences(d *data.Device) references {
	return references{data.GroupKind: d.GroupID, data.CalendarKind: d.CalendarID}
}

// mayCreateDevice refuses those who change no devices or have as many as they
// may.
func mayCreateDevice(v *access.Viewer) error {
	if err := v.MayEdit(data.DeviceKind); err != nil {
		return err
	}
	if limit := v.User.DeviceLimit; !v.Administrator() && limit >= 0 && int64(v.LinkedDevices()) >= limit {
		return fmt.Errorf("%w: your account may have %d devices and has %d", data.ErrDenied, limit, v.LinkedDevices())
	}
	return nil
}

// createDevice stores d, links it to the sender of the request, and says so.
func (s *Server) createDevice(r *http.Request, d *data.Device) error {
	if err := identifierTaken(s.deps.Store.CreateDevice(r.Context(), d), d); err != nil {
		return err
	}
	link := data.UserDevice(identityOf(r).user.ID, d.ID)
	if err := s.deps.Store.AddLinks(r.Context(), link); err != nil {
		// Nobody but administrators would see it, and it could not be created again.
		return errors.Join(fmt.Errorf("link new device: %w", err), s.deps.Store.DeleteDevice(r.Context(), d.ID))
	}
	change := data.AccessChange{UserIDs: []int64{link.OwnerID}}
	if d.GroupID != 0 {
		change.GroupIDs = []int64{d.GroupID}
	}
	s.accessChanged(r, change)
	s.deviceChanged(r, data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID})
	s.record(r, actionCreate, data.DeviceKind, d.ID, deviceFacts(d))
	return nil
}

// deviceFacts are what the audit keeps of a device besides its id.
func deviceFacts(d *data.Device) map[string]any {
	return map[string]any{"name": d.Name, "uniqueId": d.UniqueID}
}

func identifierTaken(err error, d *data.Device) error {
	if errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("%w: the identifier %s belongs to another device already", data.ErrConflict, d.UniqueID)
	}
	return err
}

func (s *Server) putDevice(w http.ResponseWriter, r *http.Request) error {
	old, err := s.editableDevice(r)
	if err != nil {
		return err
	}
	d := old
	d.Attributes = maps.Clone(old.Attributes)
	if err := readDevice(r, &d); err != nil {
		return err
	}
	if err := s.checkReferences(r, deviceReferences(&old), deviceReferences(&d)); err != nil {
		return err
	}
	if err := identifierTaken(s.deps.Store.UpdateDevice(r.Context(), &d), &d); err != nil {
		return hidden(err)
	}
	if old.GroupID != d.GroupID {
		s.accessChanged(r, data.AccessChange{GroupIDs: []int64{old.GroupID, d.GroupID}, DeviceIDs: []int64{d.ID}})
	}
	change := data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID}
	if old.UniqueID != d.UniqueID {
		change.OldUniqueID = old.UniqueID
	}
	s.deviceChanged(r, change)
	s.record(r, actionUpdate, data.DeviceKind, d.ID, deviceFacts(&d))
	return writeJSON(w, d.AppendJSON(nil, s.deps.Now()))
}

// deleteDevice removes a device with its positions, for everybody.
func (s *Server) deleteDevice(w http.ResponseWriter, r *http.Request) error {
	d, err := s.editableDevice(r)
	if err != nil {
		return err
	}
	if err := s.deps.Store.DeleteDevice(r.Context(), d.ID); err != nil {
		return hidden(err)
	}
	s.accessChanged(r, data.AccessChange{DeviceIDs: []int64{d.ID}})
	s.deviceChanged(r, data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID, Removed: true})
	s.record(r, actionDelete, data.DeviceKind, d.ID, deviceFacts(&d))
	return writeNothing(w)
}
