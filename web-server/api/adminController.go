package api

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
)

// adminRoutes are those for administrators alone.
func (s *Server) adminRoutes(r chi.Router) {
	r.Use(s.administratorOnly)
	r.Post("/permissions", s.handle(s.postPermission))
	r.Delete("/permissions", s.handle(s.deletePermission))
	r.Get("/unknown-devices", s.handle(s.getUnknownDevices))
	r.Post("/unknown-devices/register", s.handle(s.registerUnknownDevice))
	r.Delete("/unknown-devices/{uniqueId}", s.handle(s.deleteUnknownDevice))
}

// getUnknownDevices lists the strangers, latest seen first.
func (s *Server) getUnknownDevices(w http.ResponseWriter, r *http.Request) error {
	list, err := s.deps.Store.ListUnknownDevices(r.Context())
	if err != nil {
		return fmt.Errorf("list unknown devices: %w", err)
	}
	return writeJSON(w, appendList(nil, len(list), func(b []byte, i int) []byte { return appendUnknownDevice(b, &list[i]) }))
}

func appendUnknownDevice(b []byte, d *data.UnknownDevice) []byte {
	b = append(b, `{"uniqueId":`...)
	b = data.AppendJSONString(b, d.UniqueID)
	b = append(b, `,"protocol":`...)
	b = data.AppendJSONString(b, d.Protocol)
	b = append(b, `,"address":`...)
	b = data.AppendJSONString(b, d.Address)
	b = append(b, `,"firstSeen":`...)
	b = data.AppendJSONTime(b, d.FirstSeen)
	b = append(b, `,"lastSeen":`...)
	b = data.AppendJSONTime(b, d.LastSeen)
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, d.Count, 10)
	b = append(b, `,"lastFrame":`...)
	b = data.AppendJSONString(b, showFrame(d.LastFrame))
	return append(b, '}')
}

// showFrame is a frame as text if it is one, else in hexadecimal digits.
func showFrame(frame []byte) string {
	if !utf8.Valid(frame) {
		return hex.EncodeToString(frame)
	}
	for _, r := range string(frame) {
		if !unicode.IsPrint(r) && r != '\r' && r != '\n' && r != '\t' {
			return hex.EncodeToString(frame)
		}
	}
	return string(frame)
}

// registerUnknownDevice makes a device of a stranger:
// {"uniqueId","protocol","name"}; without a name it is called by its identifier.
func (s *Server) registerUnknownDevice(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		UniqueID *string `json:"uniqueId"`
		Name     *string `json:"name"`
	}
	err := readJSON(r, &body)
	if err != nil {
		return err
	}
	var d data.Device
	if d.UniqueID, err = text("the identifier", body.UniqueID, maxUniqueID); err != nil {
		return err
	}
	if d.Name, err = text("the name", body.Name, maxDeviceName); err != nil {
		return err
	}
	if d.UniqueID == "" {
		return invalid("the identifier (uniqueId) is missing")
	}
	if d.Name == "" {
		d.Name = d.UniqueID
	}
	if err := s.createDevice(r, &d); err != nil {
		return err
	}
	if err := s.deps.Store.ForgetUnknownDevice(r.Context(), d.UniqueID); err != nil {
		// The device is there; the list will forget the stranger by itself.
		s.deps.Log.Warn("forget unknown device", "request", requestID(r.Context()), "device", d.ID, "err", err)
	}
	return writeJSON(w, d.AppendJSON(nil, s.deps.Now()))
}

func (s *Server) deleteUnknownDevice(w http.ResponseWriter, r *http.Request) error {
	uniqueID, err := url.PathUnescape(chi.URLParam(r, "uniqueId"))
	if err != nil {
		return errNoSuchObject
	}
	if err := s.deps.Store.ForgetUnknownDevice(r.Context(), uniqueID); err != nil {
		return hidden(err)
	}
	return writeNothing(w)
}
