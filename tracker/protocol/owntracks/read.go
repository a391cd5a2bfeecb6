package owntracks

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	statusOK         = 200
	statusBadRequest = 400
	// maxMessages bounds the messages of one request.
	maxMessages = 200
)

var nothing = []byte("[]")

// read reads one request: a message, or an array of messages. What is no report
// is taken and left out, so that the app does not send it for ever.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	r.SetAnswer("Content-Type", "application/json")
	var group protocol.Group
	var quiet string // who sent what is no report
	var m message
	for l := open(r.Body); ; {
		more, err := l.next(&m)
		if err != nil {
			return data.Packet{}, err
		}
		if !more {
			break
		}
		id, kind := m.identity(r), m.text(kType)
		p, ok, err := m.reports(r.Settings)
		switch {
		case err != nil:
			return data.Packet{}, fmt.Errorf("read message %d: %w", l.n, err)
		case !ok:
			quiet = cmp.Or(quiet, id)
			continue
		case id == "":
			return data.Packet{}, fmt.Errorf("read %.20s: topic, X-Limit-U and X-Limit-D, or tid is needed: %w", kind, protocol.ErrNoIdentity)
		}
		packet, _ := group.Of(id)
		packet.Reply, packet.RefusalStatus = nothing, statusBadRequest
		packet.Positions = append(packet.Positions, p...)
	}
	if packet, ok := group.Packet(); ok {
		return packet, nil
	}
	return data.Packet{Identity: quiet, Reply: nothing, RefusalStatus: statusOK, Refusal: nothing}, nil
}

// publication reads the payload of a topic. The topic names the device, whatever
// the payload says; commands to it, and last wills, which the broker sends, are
// not from it.
func publication(m *protocol.Message, _ time.Time) (data.Packet, error) {
	id := device(m.Topic)
	if id == "" || strings.HasPrefix(m.Topic[len(id):], "/cmd") {
		return data.Packet{}, nil
	}
	packet := data.Packet{}
	var one message
	for l := open(m.Payload); ; {
		more, err := l.next(&one)
		if err != nil {
			return data.Packet{}, err
		}
		if !more {
			return packet, nil
		}
		p, _, err := one.reports(m.Settings)
		if err != nil {
			return data.Packet{}, fmt.Errorf("read message %d: %w", l.n, err)
		}
		if !one.is("lwt") {
			packet.Identity = id
		}
		packet.Positions = append(packet.Positions, p...)
	}
}

// identity names the device: its topic; else the user and the device of the
// headers, of the parameters or of HTTP Basic, which make the topic; else the
// two letters of tid.
func (m *message) identity(r *protocol.Request) string {
	if topic := m.text(kTopic); topic != "" {
		if id := device(topic); id != "" {
			return id
		}
		return topic
	}
	var user, unit string
	if r.Header != nil {
		user, unit = strings.TrimSpace(r.Header("X-Limit-U")), strings.TrimSpace(r.Header("X-Limit-D"))
	}
	if user == "" {
		user = r.Parameter("u")
	}
	if user == "" {
		user, _ = r.Basic()
	}
	if unit == "" {
		unit = r.Parameter("d")
	}
	if user != "" && unit != "" {
		return root + user + "/" + unit
	}
	return m.text(kTid)
}

// reports reads the reports of a message; ok is false if it is of a kind that has
// none. An encrypted message waits for the settings of its device: until then
// it is one without reports.
func (m *message) reports(s protocol.Settings) (positions []data.Position, ok bool, err error) {
	if m.is("encrypted") {
		if s == nil {
			return nil, true, nil
		}
		if err := m.decrypt(s); err != nil {
			return nil, true, err
		}
	}
	switch string(m.values[kType].Words()) {
	case "location":
		return []data.Position{m.position()}, true, nil
	case "transition":
		return []data.Position{m.transition()}, true, nil
	case "steps":
		return []data.Position{m.steps()}, true, nil
	case "beacon":
		return []data.Position{m.beacon()}, true, nil
	}
	// waypoint, waypoints, card, status, lwt, cmd, request, configuration, dump
	return nil, false, nil
}
