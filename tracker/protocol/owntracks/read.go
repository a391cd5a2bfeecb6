package owntracks

import (
	"bytes"
	"encoding/json"
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

// message is one object, by its keys. Numbers come as integers, with decimals,
// or as text.
type message map[string]any

// read reads one request: a message, or an array of messages. What is no report
// is taken and left out, so that the app does not send it for ever.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	r.SetAnswer("Content-Type", "application/json")
	packet := data.Packet{Reply: nothing, RefusalStatus: statusOK, Refusal: nothing}
	messages, err := parse(r.Body)
	if err != nil {
		return data.Packet{}, err
	}
	index := map[string]int{}
	var packets []data.Packet
	for i, m := range messages {
		id := m.identity(r)
		p, ok, err := m.open(r.Settings)
		switch {
		case err != nil:
			return data.Packet{}, fmt.Errorf("read message %d: %w", i+1, err)
		case !ok && packet.Identity == "":
			packet.Identity = id
		}
		if !ok {
			continue
		}
		if id == "" {
			return data.Packet{}, fmt.Errorf("read %s: topic, X-Limit-U and X-Limit-D, or tid is needed: %w", m.text("_type"), protocol.ErrNoIdentity)
		}
		n, known := index[id]
		if !known {
			n = len(packets)
			index[id] = n
			packets = append(packets, data.Packet{Identity: id, Reply: nothing, RefusalStatus: statusBadRequest})
		}
		packets[n].Positions = append(packets[n].Positions, p...)
	}
	if len(packets) == 0 {
		return packet, nil
	}
	packet, packet.More = packets[0], packets[1:]
	return packet, nil
}

// publication reads the payload of a topic. The topic names the device, whatever
// the payload says; commands to it, and last wills, which the broker sends, are
// not from it.
func publication(m *protocol.Message, _ time.Time) (data.Packet, error) {
	id := device(m.Topic)
	if id == "" || strings.HasPrefix(m.Topic[len(id):], "/cmd") {
		return data.Packet{}, nil
	}
	messages, err := parse(m.Payload)
	if err != nil {
		return data.Packet{}, err
	}
	packet := data.Packet{}
	for i, one := range messages {
		p, _, err := one.open(m.Settings)
		if err != nil {
			return data.Packet{}, fmt.Errorf("read message %d: %w", i+1, err)
		}
		if one.text("_type") != "lwt" {
			packet.Identity = id
		}
		packet.Positions = append(packet.Positions, p...)
	}
	return packet, nil
}

// parse reads an object, or an array of objects; an empty body is none.
func parse(body []byte) ([]message, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if body[0] != '[' {
		var m message
		if err := decoder.Decode(&m); err != nil {
			return nil, fmt.Errorf("read body: want a JSON object: %w: %w", err, data.ErrInvalid)
		}
		return []message{m}, nil
	}
	var list []message
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("read body: want JSON objects: %w: %w", err, data.ErrInvalid)
	}
	if len(list) > maxMessages {
		return nil, fmt.Errorf("read body: %d messages, at most %d: %w", len(list), maxMessages, data.ErrInvalid)
	}
	return list, nil
}

// identity names the device: its topic; else the user and the device of the
// headers, of the parameters or of HTTP Basic, which make the topic; else the
// two letters of tid.
func (m message) identity(r *protocol.Request) string {
	if topic := m.text("topic"); topic != "" {
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
	return m.text("tid")
}

// open reads the reports of a message; ok is false if it is of a kind that has
// none. An encrypted message waits for the settings of its device: until then
// it is one without reports.
func (m message) open(s protocol.Settings) (positions []data.Position, ok bool, err error) {
	if m.text("_type") == "encrypted" {
		if s == nil {
			return nil, true, nil
		}
		if m, err = m.decrypt(s); err != nil {
			return nil, true, err
		}
	}
	switch m.text("_type") {
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
