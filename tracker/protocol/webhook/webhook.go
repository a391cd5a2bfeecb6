// Package webhook reads simple JSON reports: over HTTP as Home Assistant and
// its app send them to a webhook, over MQTT from the topic waymark/<device>.
// README.md describes it.
package webhook

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
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
	s := jsonscan.New(body)
	if s.Kind() != jsonscan.Array {
		p, ok, err := report(body)
		if err != nil || !ok {
			return packet, err
		}
		packet.Positions = []data.Position{p}
		return packet, nil
	}
	s.Array()
	for n := 1; s.Element(); n++ {
		if n > maxReports {
			return packet, fmt.Errorf("read array: more than %d reports, send them in parts: %w", maxReports, data.ErrInvalid)
		}
		p, ok, err := report(s.Value().Raw())
		if err != nil {
			return packet, fmt.Errorf("read report %d: %w", n, err)
		}
		if ok {
			packet.Positions = append(packet.Positions, p)
		}
	}
	return packet, s.End()
}

// report reads one report; ok is false for messages that are none. The app sends
// the kind of the message and its data.
func report(object []byte) (p data.Position, ok bool, err error) {
	kind, inside, pair, err := members(object)
	if err != nil {
		return p, false, err
	}
	if kind.Text() != "" && inside.Kind() != jsonscan.None {
		if !kind.Is("update_location") {
			return p, false, nil
		}
		object = inside.Raw()
		if _, _, pair, err = members(object); err != nil {
			return p, false, err
		}
	}
	values, err := flat.JSON(object)
	if err != nil {
		return p, false, err
	}
	if at := numbers(pair); len(at) == 2 {
		values = append(values, flat.Value{Key: "lat", Text: at[0]}, flat.Value{Key: "lon", Text: at[1]})
	}
	_, p, err = flat.Read(name, values)
	return p, true, err
}

// members reads what is not flat: the kind and the data of a message, and the
// place as a pair.
func members(object []byte) (kind, inside, pair jsonscan.Value, err error) {
	s := jsonscan.New(object)
	for s.Object(); s.Member(); {
		switch string(s.Key()) {
		case "type":
			kind = s.Value()
		case "data":
			inside = s.Value()
		case "gps":
			pair = s.Value()
		default:
			s.Value()
		}
	}
	if err = s.End(); err != nil {
		err = fmt.Errorf("want a JSON object: %w", err)
	}
	return kind, inside, pair, err
}

// numbers reads an array of numbers, as written; none of another value.
func numbers(v jsonscan.Value) (out []string) {
	if v.Kind() != jsonscan.Array {
		return nil
	}
	s := jsonscan.New(v.Raw())
	for s.Array(); s.Element(); {
		one := s.Value()
		if one.Kind() != jsonscan.Number {
			return nil
		}
		out = append(out, string(one.Raw()))
	}
	return out
}
