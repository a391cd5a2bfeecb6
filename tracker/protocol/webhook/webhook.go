// Package webhook reads simple JSON reports: over HTTP as Home Assistant and
// its app send them to a webhook, over MQTT from the topic waymark/<device>.
// README.md describes it.
package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
)

const (
	name    = "webhook"
	maxBody = 64 << 10
	// maxReports bounds the reports of one array.
	maxReports = 200
	mark       = "/api/webhook/"
	root       = "waymark/"
)

// Protocol describes webhook. It has no port of its own.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name: name, Transports: protocol.HTTP | protocol.MQTT, MaxFrame: maxBody, HTTP: read,
		Phone: &protocol.Phone{Claims: claims, MQTT: publication, Device: device, Topic: topic},
	}
}

func claims(r *protocol.Request) bool { return strings.HasPrefix(r.Path, mark) && r.IsJSON() }

func device(topic string) string {
	id, ok := strings.CutPrefix(topic, root)
	if !ok {
		return ""
	}
	return id
}

func topic(uniqueID string) string { return root + uniqueID }

// message is what the app sends: the kind of message, and its data.
type message struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// read reads one request; the path names the device.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	id, _ := r.PathAfter(mark)
	if id == "" {
		return data.Packet{}, fmt.Errorf("read path: want %s<device>: %w", mark, protocol.ErrNoIdentity)
	}
	r.SetAnswer("Content-Type", "application/json")
	packet, err := reports(r.Body)
	packet.Identity, packet.Reply = id, []byte("{}")
	return packet, err
}

// publication reads the payload of a topic.
func publication(m *protocol.Message, _ time.Time) (data.Packet, error) {
	if len(bytes.TrimSpace(m.Payload)) == 0 {
		return data.Packet{}, nil // a retained message is taken back
	}
	packet, err := reports(m.Payload)
	packet.Identity = device(m.Topic)
	return packet, err
}

// reports reads one report, or an array of them.
func reports(body []byte) (packet data.Packet, err error) {
	list := []json.RawMessage{body}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		if err := json.Unmarshal(body, &list); err != nil {
			return packet, fmt.Errorf("read array: %w: %w", err, data.ErrInvalid)
		}
	}
	if len(list) > maxReports {
		return packet, fmt.Errorf("read array: %d reports, at most %d; send them in parts: %w", len(list), maxReports, data.ErrInvalid)
	}
	for i, object := range list {
		p, ok, err := report(object)
		if err != nil {
			return packet, fmt.Errorf("read report %d: %w", i+1, err)
		}
		if ok {
			packet.Positions = append(packet.Positions, p)
		}
	}
	return packet, nil
}

// report reads one report; ok is false for messages that are none.
func report(object json.RawMessage) (p data.Position, ok bool, err error) {
	var m message
	if err := json.Unmarshal(object, &m); err != nil {
		return p, false, fmt.Errorf("want a JSON object: %w: %w", err, data.ErrInvalid)
	}
	if m.Type != "" && len(m.Data) > 0 {
		if m.Type != "update_location" {
			return p, false, nil
		}
		object = m.Data
	}
	values, err := flat.JSON(object)
	if err != nil {
		return p, false, err
	}
	// The app sends the place as a pair.
	var pair struct {
		GPS []float64 `json:"gps"`
	}
	if json.Unmarshal(object, &pair) == nil && len(pair.GPS) == 2 {
		values = append(values, flat.Value{Key: "lat", Text: text(pair.GPS[0])}, flat.Value{Key: "lon", Text: text(pair.GPS[1])})
	}
	_, p, err = flat.Read(name, values)
	return p, true, err
}

func text(v float64) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
