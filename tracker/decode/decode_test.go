package decode

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
)

var at = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

type output struct {
	Session   string  `json:"session"`
	Seq       int     `json:"seq"`
	Identity  *string `json:"identity"`
	Positions []struct {
		Latitude   float64        `json:"latitude"`
		FixTime    string         `json:"fixTime"`
		DeviceTime string         `json:"deviceTime"`
		ServerTime string         `json:"serverTime"`
		Outdated   bool           `json:"outdated"`
		Attributes map[string]any `json:"attributes"`
	} `json:"positions"`
	Reply *string `json:"reply"`
	Frame *string `json:"frame"`
	Data  *string `json:"data"`
	Error *string `json:"error"`
}

func run(t *testing.T, protocol, in string) []output {
	t.Helper()
	var out bytes.Buffer
	if err := Run(context.Background(), strings.NewReader(in), &out, protocol, func() time.Time { return at }); err != nil {
		t.Fatal(err)
	}
	var lines []output
	for line := range strings.Lines(out.String()) {
		var o output
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, o)
	}
	return lines
}

func login(imei string) string { return hex.EncodeToString(gt06.AppendLogin(nil, imei, 1)) }

func position() string {
	return hex.EncodeToString(gt06.AppendPosition(nil, &data.Position{
		FixTime: at.Add(-time.Hour), Valid: true, Latitude: 52.5, Longitude: 13.4,
	}, 2))
}

func record(session string, seq int, rest string) string {
	return fmt.Sprintf(`{"protocol":"gt06","session":%q,"seq":%d,"kind":"hex",%s}`+"\n", session, seq, rest)
}

func TestRecords(t *testing.T) {
	in := record("a", 0, `"dir":"decode","prelude":true,"data":"`+login("860000000000018")+`"`) +
		record("a", 1, `"dir":"decode","data":"`+position()+`"`) +
		record("b", 0, `"dir":"frame","data":"`+position()+login("1")+`"`) +
		record("b", 1, `"dir":"frame","data":"7878"`) +
		record("c", 0, `"dir":"encode","command":"engineResume","attributes":{}`) +
		record("c", 1, `"dir":"encode","command":"nonesuch","attributes":{}`) +
		record("c", 2, `"dir":"sideways"`)
	lines := run(t, "gt06", in)
	if len(lines) != 7 {
		t.Fatalf("%d lines", len(lines))
	}
	if l := lines[0]; l.Error != nil || len(l.Positions) != 0 || *l.Identity != "860000000000018" || !strings.HasPrefix(*l.Reply, "7878050100") {
		t.Errorf("login %+v", l)
	}
	if l := lines[1]; l.Error != nil || l.Session != "a" || l.Seq != 1 || len(l.Positions) != 1 ||
		l.Positions[0].Latitude != 52.5 || l.Positions[0].FixTime != "2026-06-01T11:00:00.000+00:00" ||
		l.Positions[0].ServerTime != "2026-06-01T12:00:00.000+00:00" {
		t.Errorf("position %+v", l)
	}
	if l := lines[2]; l.Error != nil || *l.Frame != position() || l.Reply != nil {
		t.Errorf("frame %+v", l)
	}
	if l := lines[3]; l.Error != nil || l.Frame != nil {
		t.Errorf("incomplete frame %+v", l)
	}
	if l := lines[4]; l.Error != nil || *l.Data != "787812800c0000000052656c61792c3023000081550d0a" {
		t.Errorf("command %+v", l)
	}
	for i, want := range map[int]string{5: "nonesuch", 6: "sideways"} {
		if l := lines[i]; l.Error == nil || !strings.Contains(*l.Error, want) {
			t.Errorf("%+v does not say %s", l, want)
		}
	}
}

// Sessions have a codec each: the time zone of one login is not another's.
func TestSessionsAreApart(t *testing.T) {
	east := "78781101086000000000001836083200000000010000" // the zone is in the login
	lines := run(t, "gt06", record("east", 0, `"dir":"decode","data":"`+east+`0d0a"`)+
		record("utc", 0, `"dir":"decode","data":"`+login("1")+`"`)+
		record("east", 1, `"dir":"decode","data":"`+position()+`"`)+
		record("utc", 1, `"dir":"decode","data":"`+position()+`"`))
	if lines[2].Positions[0].FixTime != "2026-06-01T03:00:00.000+00:00" || lines[3].Positions[0].FixTime != "2026-06-01T11:00:00.000+00:00" {
		t.Errorf("%+v, %+v", lines[2], lines[3])
	}
}

func TestPasted(t *testing.T) {
	lines := run(t, "gt06", login("860000000000018")+"\r\n\n"+position()+position()+"\nhello there\n0x"+position()+"78")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	if *lines[0].Identity != "860000000000018" || len(lines[1].Positions) != 2 || len(lines[3].Positions) != 1 {
		t.Errorf("%+v", lines)
	}
	if lines[2].Error == nil || !strings.Contains(*lines[2].Error, "line 4") {
		t.Errorf("%+v", lines[2])
	}
	if lines[3].Error == nil || !strings.Contains(*lines[3].Error, "1 bytes at the end") {
		t.Errorf("%+v", lines[3])
	}
}

func TestPastedRequests(t *testing.T) {
	for _, line := range []string{
		"id=1&lat=52.5&lon=13.4&timestamp=1780302600",
		"http://example.org:5055/?id=1&lat=52.5&lon=13.4&timestamp=1780302600",
		"GET /?id=1&lat=52.5&lon=13.4&timestamp=1780302600 HTTP/1.1",
		`{"device_id":"1","location":{"timestamp":"2026-06-01T08:30:00Z","coords":{"latitude":52.5,"longitude":13.4}}}`,
		`{"dir":"decode","kind":"http","method":"GET","url":"/?id=1&lat=52.5&lon=13.4&timestamp=1780302600","headers":{},"data":""}`,
	} {
		l := run(t, "osmand", line)[0]
		if l.Error != nil || *l.Identity != "1" || len(l.Positions) != 1 || l.Positions[0].FixTime != "2026-06-01T08:30:00.000+00:00" {
			t.Errorf("%s: %+v", line, l)
		}
	}
}

func TestBadLinesDoNotStop(t *testing.T) {
	in := "{\n" + `{"a":1}` + "\n" + record("x", 3, `"dir":"decode","data":"zz"`) +
		strings.Replace(record("x", 4, `"dir":"decode","data":"00"`), "gt06", "h02", 1) +
		strings.Repeat("7", maxLine+1) + "\n" + position() + "\n" + strings.Repeat("7", maxLine+1)
	lines := run(t, "gt06", in)
	if len(lines) != 7 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, l := range lines {
		if (l.Error == nil) != (i == 5) {
			t.Errorf("line %d: %+v", i+1, l)
		}
	}
	if lines[2].Session != "x" || lines[2].Seq != 3 {
		t.Errorf("%+v", lines[2])
	}
	if !strings.Contains(*lines[3].Error, "h02") {
		t.Errorf("%s", *lines[3].Error)
	}
}

func TestErrors(t *testing.T) {
	err := Run(context.Background(), strings.NewReader(""), &bytes.Buffer{}, "nonesuch", time.Now)
	if !errors.Is(err, data.ErrNotFound) || !strings.Contains(err.Error(), "gt06") {
		t.Errorf("%v does not name what there is", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, strings.NewReader("00\n"), &bytes.Buffer{}, "gt06", time.Now); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	broken := errors.New("broken pipe")
	if err := Run(context.Background(), strings.NewReader("00\n"), failingWriter{broken}, "gt06", time.Now); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
