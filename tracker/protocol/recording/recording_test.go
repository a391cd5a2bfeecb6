package recording

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

func TestRead(t *testing.T) {
	records, err := Read(strings.NewReader("\n" + `{"session":"a","seq":2,"kind":"hex","data":"00ff","config":{"modelOverride":"X1","hbm":2}}` + "\n\n" +
		`{"kind":"text","data":"gr\u00fc\u00df\r\n","valid":true,"lat":1.5}`))
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	b, err := records[0].Bytes()
	if err != nil || string(b) != "\x00\xff" {
		t.Errorf("%x, %v", b, err)
	}
	if s := records[0].Settings(); s.Text("model") != "X1" || s["hbm"] != 2.0 {
		t.Errorf("settings %v", s)
	}
	if b, _ := records[1].Bytes(); string(b) != "gr\xfc\xdf\r\n" {
		t.Errorf("text %q", b)
	}
	if records[1].Lat == nil || records[0].Lat != nil || !*records[1].Valid {
		t.Error("missing is not zero")
	}
	for _, bad := range []string{"{", `{"seq":"x"}`, strings.Repeat("x", MaxLine+1)} {
		if _, err := Read(strings.NewReader("{}\n" + bad)); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
	if _, err := (&Record{Kind: "hex", Data: "0"}).Bytes(); err == nil {
		t.Error("half a byte")
	}
}

func TestRequest(t *testing.T) {
	r := Record{Kind: "http", Method: "POST", URL: "/a%20b?x=1&y=2", Headers: map[string]string{"content-type": "text/plain"}, Data: "body"}
	request, err := r.Request()
	if err != nil || request.Path != "/a b" || request.Query != "x=1&y=2" || request.ContentType != "text/plain" ||
		request.Header("Content-TYPE") != "text/plain" || string(request.Body) != "body" {
		t.Errorf("%+v, %v", request, err)
	}
}

// pairs is a protocol of two byte frames that counts its settings.
type pairs struct{ configured int }

func (p *pairs) Configure(protocol.Settings) { p.configured++ }

func (p *pairs) Next(b []byte) ([]byte, int, error) {
	switch {
	case len(b) > 0 && b[0] == ' ':
		return nil, 1, nil
	case len(b) < 2:
		return nil, 0, nil
	}
	return b[:2], 2, nil
}

func (p *pairs) Decode(b []byte, _ time.Time) (data.Packet, error) {
	return data.Packet{Identity: string(b)}, nil
}

func TestSession(t *testing.T) {
	codec := &pairs{}
	p := protocol.Protocol{Name: "pairs", Transports: protocol.TCP, New: func(protocol.Transport) protocol.Codec { return codec }}
	s := NewSession(&p)
	for range 3 {
		packet, err := s.Decode(&Record{Kind: "text", Data: "ab", Config: map[string]any{"x": 1}}, time.Time{})
		if err != nil || packet.Identity != "ab" {
			t.Fatalf("%+v, %v", packet, err)
		}
	}
	if codec.configured != 1 {
		t.Errorf("configured %d times", codec.configured)
	}
	if frame, err := s.Frame(&Record{Kind: "text", Data: "  abc"}); err != nil || string(frame) != "ab" {
		t.Errorf("%q, %v", frame, err)
	}
	if _, err := s.Frame(&Record{Kind: "text", Data: " a"}); !errors.Is(err, ErrNoFrame) {
		t.Error(err)
	}
	if _, err := s.Encode(&Record{Command: "custom"}); !errors.Is(err, protocol.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := s.Decode(&Record{Kind: "http"}, time.Time{}); err == nil {
		t.Error("HTTP over TCP")
	}
}

func TestCompleteAndAll(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	packet := data.Packet{
		Positions: []data.Position{{DeviceTime: now.Add(-time.Hour)}},
		More:      []data.Packet{{Positions: []data.Position{{}}}},
	}
	list := All(&packet)
	Complete(list, now)
	if len(list) != 2 || !list[0].FixTime.Equal(now.Add(-time.Hour)) || !list[1].FixTime.Equal(now) || !list[1].ServerTime.Equal(now) {
		t.Errorf("%+v", list)
	}
}
