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
	r.Get("/permissions", s.handle(s.getPermissions))
	r.Get("/audit", s.handle(s.getAudit))
	r.Get("/statistics", s.handle(s.getStatistics))
	r.Put("/server", s.handle(s.putServer))
	r.Get("/session/{id}", s.handle(s.actAs))
	r.Get("/unknown-devices", s.handle(s.getUnknownDevices))
	r.Post("/unknown-devices/register", s.handle(s.registerUnknownDevice))
	r.Delete("/unknown-devices/{uniqueId}", s.handle(s.deleteUnknownDevice))
}

// getUnknownDevices lists the strangers, latest seen first: ?limit ?offset. One without a
// protocol is a peer that nobody understands: its uniqueId is its network
// address, guesses are the protocols it may speak.
func (s *Server) getUnknownDevices(w http.ResponseWriter, r *http.Request) error {
	page, err := readPage(r)
	if err != nil {
		return err
	}
	list, err := s.deps.Store.ListUnknownDevices(r.Context())
	if err != nil {
		return fmt.Errorf("list unknown devices: %w", err)
	}
	list = cut(list, page)
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
	b = append(b, `,"frames":`...)
	b = appendList(b, len(d.Frames), func(b []byte, i int) []byte { return appendFrame(b, d.Frames[i]) })
	b = append(b, `,"guesses":`...)
	b = appendList(b, len(d.Guesses), func(b []byte, i int) []byte { return data.AppendJSONString(b, d.Guesses[i]) })
	b = append(b, `,"preview":`...)
	if d.Preview == nil {
		b = append(b, "null"...)
	}
	b = append(b, d.Preview...)
	return append(b, '}')
}

// appendFrame writes a frame in hexadecimal digits and as text, where a dot
// stands for what cannot be printed.
func appendFrame(b, frame []byte) []byte {
	b = append(b, `{"hex":"`...)
	b = hex.AppendEncode(b, frame)
	b = append(b, `","text":`...)
	text := make([]byte, len(frame))
	for i, c := range frame {
		if text[i] = c; c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	b = data.AppendJSONString(b, string(text))
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
	if err := s.checkRecognised(r, d.UniqueID); err != nil {
		return err
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

// checkRecognised refuses to make a device of a peer that nobody understands:
// it has an address and no identity.
func (s *Server) checkRecognised(r *http.Request, uniqueID string) error {
	list, err := s.deps.Store.ListUnknownDevices(r.Context())
	if err != nil {
		return fmt.Errorf("list unknown devices: %w", err)
	}
	nameless := false
	for i := range list {
		if list[i].UniqueID == uniqueID {
			if list[i].Protocol != "" {
				return nil
			}
			nameless = true
		}
	}
	if nameless {
		return invalid("nobody knows who this is: what it sends is of no known protocol; find out its protocol, point it to that port and register it when it has said its identifier")
	}
	return nil
}

func (s *Server) deleteUnknownDevice(w http.ResponseWriter, r *http.Request) error {
	uniqueID, err := url.PathUnescape(chi.URLParam(r, "uniqueId"))
	if err != nil {
		return errNoSuchObject
	}
	if err := s.deps.Store.ForgetUnknownDevice(r.Context(), uniqueID); err != nil {
		return hidden(err)
	}
	s.record(r, actionDelete, "unknownDevice", 0, map[string]any{"uniqueId": uniqueID})
	return writeNothing(w)
}
