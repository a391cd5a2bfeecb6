package owntracks

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters/jsonscan"
)

// key is a key of a message that means something to us.
type key uint8

const (
	kAcc key = iota
	kAlt
	kBatt
	kBs
	kCid
	kCog
	kData
	kDesc
	kEvent
	kHmc
	kIgn
	kInregions
	kLac
	kLat
	kLon
	kMajor
	kMcc
	kMinor
	kMnc
	kMotion
	kMotionactivities
	kName
	kOdometer
	kP
	kPoi
	kRpm
	kRssi
	kRty
	kSent
	kSSID
	kSteps
	kT
	kTag
	kTid
	kTopic
	kTst
	kType
	kUbatt
	kUext
	kUUID
	kVel
	kVin
	keyCount
)

var keys = map[string]key{
	"acc": kAcc, "alt": kAlt, "batt": kBatt, "bs": kBs, "cid": kCid, "cog": kCog, "data": kData, "desc": kDesc, "event": kEvent,
	"hmc": kHmc, "ign": kIgn, "inregions": kInregions, "lac": kLac, "lat": kLat, "lon": kLon, "major": kMajor, "mcc": kMcc,
	"minor": kMinor, "mnc": kMnc, "motion": kMotion, "motionactivities": kMotionactivities, "name": kName, "odometer": kOdometer,
	"p": kP, "poi": kPoi, "rpm": kRpm, "rssi": kRssi, "rty": kRty, "sent": kSent, "SSID": kSSID, "steps": kSteps, "t": kT, "tag": kTag,
	"tid": kTid, "topic": kTopic, "tst": kTst, "_type": kType, "ubatt": kUbatt, "uext": kUext, "uuid": kUUID, "vel": kVel, "vin": kVin,
}

// message is one object. It refers to the body. Numbers come as integers, with
// decimals, or as text.
type message struct {
	values [keyCount]jsonscan.Value
	// inputs are adc1.., temp1.., in the order of the message.
	inputs data.Attributes
}

// inputs are the prefixes of keys that are numbered, in two digits from 00, and
// of the attributes, which are numbered from 1.
var inputs = [...]struct {
	key  []byte
	name string
}{{[]byte("adda-"), "adc"}, {[]byte("temp_c-"), "temp"}}

// maxInputs bounds the numbered inputs of a message.
const maxInputs = 100

// read reads the next object. Of a repeated key the last value counts.
func (m *message) read(s *jsonscan.Scanner) {
	*m = message{}
	for s.Object(); s.Member(); {
		name := s.Key()
		k, known := keys[string(name)]
		v := s.Value()
		if known {
			m.values[k] = v
		} else {
			m.input(name, v)
		}
	}
}

// input reads a numbered key.
func (m *message) input(name []byte, v jsonscan.Value) {
	for _, in := range inputs {
		digits, ok := bytes.CutPrefix(name, in.key)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(string(digits), 10, 8)
		f, ok := float(v)
		if err == nil && ok && len(digits) == 2 && len(m.inputs) < maxInputs {
			m.inputs.SetFloat(in.name+strconv.FormatUint(n+1, 10), f)
		}
	}
}

func (m *message) is(kind string) bool { return m.values[kType].Is(kind) }

func (m *message) text(k key) string { return protocol.Text(m.values[k].Words()) }

func (m *message) number(k key) (float64, bool) { return float(m.values[k]) }

func float(v jsonscan.Value) (float64, bool) {
	if v.Kind() != jsonscan.Text {
		return v.Float()
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(v.Text()), 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// truth reads true and false, and numbers as whether they are not 0.
func (m *message) truth(k key) (value, ok bool) {
	if f, ok := m.values[k].Float(); ok {
		return f != 0, true
	}
	return m.values[k].Bool()
}

// seconds reads a time as seconds since 1970.
func (m *message) seconds(k key) time.Time {
	v, ok := m.number(k)
	if !ok || math.Abs(v) > 1e11 {
		return time.Time{}
	}
	return protocol.UnixMilli(int64(math.Round(v * 1000)))
}

// list joins the texts of an array with commas.
func (m *message) list(k key) string {
	if m.values[k].Kind() != jsonscan.Array {
		return ""
	}
	var out []string
	s := jsonscan.New(m.values[k].Raw())
	for s.Array(); s.Element(); {
		if text := s.Value().Text(); text != "" {
			out = append(out, text)
		}
	}
	return strings.Join(out, ",")
}

// messages reads a body: an object, or an array of objects; an empty body is
// none.
type messages struct {
	s     jsonscan.Scanner
	array bool
	// n counts the messages that were read.
	n int
}

func open(body []byte) messages {
	l := messages{s: jsonscan.New(body)}
	l.array = l.s.Kind() == jsonscan.Array && l.s.Array()
	return l
}

// next reads the next message; ok is false at the end.
func (l *messages) next(m *message) (ok bool, err error) {
	switch {
	case l.array && l.s.Element():
		m.read(&l.s)
	case !l.array && l.n == 0 && l.s.Kind() != jsonscan.None:
		m.read(&l.s)
		err = l.s.End()
	default:
		if err = l.s.End(); err == nil {
			return false, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("read body, a JSON object or an array of them: %w", err)
	}
	if l.n++; l.n > maxMessages {
		return false, fmt.Errorf("read body: more than %d messages: %w", maxMessages, data.ErrInvalid)
	}
	return true, nil
}
