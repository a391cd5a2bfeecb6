// Package recording reads recorded device messages, one JSON object to a line,
// and replays them through the codecs of a protocol.
package recording

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// MaxLine bounds a line of a record file in bytes.
const MaxLine = 1 << 20

// Record is one device message, or command, with what is expected of it.
type Record struct {
	Protocol string `json:"protocol"`
	// Variant names one of several decoders that share a protocol.
	Variant string `json:"variant"`
	// Messages of one session go to one codec, in the order of Seq.
	Session string `json:"session"`
	Seq     int    `json:"seq"`
	// Prelude messages are sent and not scored.
	Prelude bool `json:"prelude"`
	// Dir is decode (message to positions), frame-encode (a frame to the bytes on
	// the wire), frame (bytes from the wire to one
	// frame) or encode (command to bytes).
	Dir string `json:"dir"`
	// Kind is hex, text or http.
	Kind    string `json:"kind"`
	Data    string `json:"data"`
	DataHex bool   `json:"dataHex"`
	// Framed text has lost its delimiters and cannot be sent as a stream.
	Framed bool `json:"framed"`
	// Method, URL and Headers belong to kind http.
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	// Expect is position, positions, attribute, attributes, notnull, null,
	// frame or command; package protocoltest says when each is met.
	Expect string `json:"expect"`
	// Time, Valid, Lat and Lon are the expected values, nil for any.
	Time  *time.Time `json:"time"`
	Valid *bool      `json:"valid"`
	Lat   *float64   `json:"lat"`
	Lon   *float64   `json:"lon"`
	// Attribute and Value are for expect attribute; value null: absent.
	Attribute string          `json:"attribute"`
	Value     json.RawMessage `json:"value"`
	// CheckLocation false allows positions without coordinates.
	CheckLocation *bool `json:"checkLocation"`
	// Frame is the expected frame in hex, nil for none.
	Frame *string `json:"frame"`
	// Command and Attributes are what an encode record asks for.
	Command        string          `json:"command"`
	Attributes     data.Attributes `json:"attributes"`
	DeviceUniqueID string          `json:"deviceUniqueId"`
	// Reply is the expected answer in hex; nil for any.
	Reply *string `json:"reply"`
	// Identity is the expected identity; nil for any.
	Identity *string `json:"identity"`
	// Config holds settings of the device: "modelOverride" is the setting
	// "model", "constructorArgs" [true] the UDP form of teltonika.
	Config map[string]any `json:"config"`
	// From says where the record is from.
	From string `json:"from"`
}

// Read reads records, one to a line. Empty lines are left out.
func Read(in io.Reader) ([]Record, error) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 64<<10), MaxLine)
	var out []Record
	for line := 1; scanner.Scan(); line++ {
		if len(strings.TrimSpace(scanner.Text())) == 0 {
			continue
		}
		var r Record
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read record in line %d: %w", line, err)
		}
		out = append(out, r)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return out, nil
}

// Bytes returns the message: hex decoded, text as ISO 8859-1.
func (r *Record) Bytes() ([]byte, error) {
	if r.Kind == "hex" || r.DataHex {
		b, err := hex.DecodeString(r.Data)
		if err != nil {
			return nil, fmt.Errorf("read hex data: %w", err)
		}
		return b, nil
	}
	if r.Kind == "http" {
		return []byte(r.Data), nil
	}
	b := make([]byte, 0, len(r.Data))
	for _, c := range r.Data {
		if c > 0xFF {
			b = append(b, string(c)...)
			continue
		}
		b = append(b, byte(c))
	}
	return b, nil
}

// Request returns the HTTP request of a record of kind http.
func (r *Record) Request() (*protocol.Request, error) {
	body, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	u, err := url.ParseRequestURI(r.URL)
	if err != nil {
		return nil, fmt.Errorf("read URL: %w", err)
	}
	method := r.Method
	if method == "" {
		method = "GET"
	}
	header := func(name string) string {
		for key, value := range r.Headers {
			if strings.EqualFold(key, name) {
				return value
			}
		}
		return ""
	}
	return &protocol.Request{
		Method: method, Path: u.Path, Query: u.RawQuery, ContentType: header("Content-Type"), Header: header, Body: body,
	}, nil
}

// Settings returns the settings of the device.
func (r *Record) Settings() protocol.Settings {
	s := protocol.Settings{}
	for key, value := range r.Config {
		switch key {
		case "modelOverride":
			s["model"] = value
		case "constructorArgs":
			if name := constructorSettings[r.Protocol]; name != "" && isTrue(value) {
				s[name] = true
			}
		default:
			s[key] = value
		}
	}
	return s
}

// constructorSettings names the setting that constructorArgs [true] stands for.
var constructorSettings = map[string]string{"eelink": "udp", "tk103": "alternative", "xexun": "full"}

// isTrue tells whether constructorArgs is [true].
func isTrue(args any) bool {
	list, _ := args.([]any)
	return len(list) > 0 && list[0] == true
}

// Transport is the transport of the record: the first one of the protocol,
// unless the configuration of teltonika says UDP.
func (r *Record) Transport(p *protocol.Protocol) protocol.Transport {
	if p.Name == "teltonika" && isTrue(r.Config["constructorArgs"]) {
		return protocol.UDP
	}
	for _, t := range []protocol.Transport{protocol.TCP, protocol.UDP, protocol.HTTP} {
		if p.Transports&t != 0 {
			return t
		}
	}
	return 0
}
