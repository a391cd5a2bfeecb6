package protocol_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// framesFolder names a folder of record files (*.jsonl), for example captured
// frames that may not be published.
const framesFolder = "WAYMARK_FRAMES"

// readCorpus reads the records of that folder, by protocol; nil if it is not set.
func readCorpus(t *testing.T) map[string][]recording.Record {
	t.Helper()
	folder := os.Getenv(framesFolder)
	if folder == "" {
		t.Logf("%s is not set: no folder of frames to score, the built-in records are checked", framesFolder)
		return nil
	}
	return readRecords(t, filepath.Join(folder, "*.jsonl"))
}

func readRecords(t *testing.T, pattern string) map[string][]recording.Record {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s (%v)", pattern, err)
	}
	byProtocol := map[string][]recording.Record{}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		records, err := recording.Read(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range records {
			if r.Protocol == "" { // golden files leave it to their folder
				r.Protocol = filepath.Base(filepath.Dir(filepath.Dir(name)))
			}
			byProtocol[r.Protocol] = append(byProtocol[r.Protocol], r)
		}
	}
	return byProtocol
}

// TestCorpus scores the records of that folder. It reports, it does not judge:
// what is missed and why stands in the README of each protocol.
func TestCorpus(t *testing.T) {
	byProtocol := readCorpus(t)
	if byProtocol == nil {
		return
	}
	var table strings.Builder
	for _, p := range all.All() {
		total, misses := protocoltest.Score(&p, byProtocol[p.Name], time.Now().UTC())
		fmt.Fprintf(&table, "%-12s %4d of %4d\n", p.Name, total-len(misses), total)
		for _, m := range misses {
			fmt.Fprintf(&table, "    %s\n", m)
		}
	}
	t.Logf("right of total:\n%s", &table)
}

// route tells for every record which protocol is recognised if it is the first
// thing a peer sends, and writes a table.
func route(t *testing.T, byProtocol map[string][]recording.Record) (wrong []protocoltest.Routed, table string) {
	t.Helper()
	list := all.All()
	var b strings.Builder
	right, total, late, misplaced := 0, 0, 0, 0
	for i := range list {
		p := &list[i]
		routed, err := protocoltest.Route(list, p, byProtocol[p.Name], time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		missed := len(wrong)
		for _, r := range routed {
			if !r.Right() {
				wrong = append(wrong, r)
			}
			if r.Right() && r.Late {
				late++
			}
			if r.WrongPlace {
				misplaced++
			}
		}
		missed = len(wrong) - missed
		right, total = right+len(routed)-missed, total+len(routed)
		fmt.Fprintf(&b, "%-12s %4d of %4d\n", p.Name, len(routed)-missed, len(routed))
		for _, r := range wrong[len(wrong)-missed:] {
			fmt.Fprintf(&b, "    %s\n", r)
		}
	}
	fmt.Fprintf(&b, "all          %4d of %4d, %.2f %%; %d of them after a wait, %d to a wrong place\n",
		right, total, 100*float64(right)/float64(max(1, total)), late, misplaced)
	return wrong, b.String()
}

// TestRoutingOfCorpus reports how many of the records of that folder go to
// their protocol from the port for any device. None may give a wrong place.
func TestRoutingOfCorpus(t *testing.T) {
	byProtocol := readCorpus(t)
	if byProtocol == nil {
		return
	}
	wrong, table := route(t, byProtocol)
	t.Logf("recognised at the first message:\n%s", table)
	for _, r := range wrong {
		if r.WrongPlace {
			t.Errorf("a wrong place: %s", r)
		}
	}
}

// lookAlikes are records in the folders of the protocols that the first message
// alone cannot tell from another's, each with its reason.
var lookAlikes = map[string]string{
	"flespi empty 0":       "an empty list names nobody",
	"navis flex10 3":       "the keep-alive is a single byte",
	"navis flex30 3":       "the keep-alive is a single byte",
	"owntracks nothing 0":  "nobody is named",
	"suntech bad 0":        "a line that no device sends",
	"topin wifi 0":         "gt06 has the same scan and reads it alike; a device logs in before it sends one",
	"topin wifi-alarm 0":   "as topin wifi",
	"topin wifi-no-cell 0": "as topin wifi",
}

// TestRouting wants every message of the folders of the protocols at its
// protocol when it is the first thing a peer sends. Records of dir frame are
// noise and torn messages: they may go nowhere, but not to a wrong place.
func TestRouting(t *testing.T) {
	wrong, table := route(t, readRecords(t, filepath.Join("*", "testdata", "*.jsonl")))
	t.Logf("recognised at the first message:\n%s", table)
	seen := map[string]bool{}
	for _, r := range wrong {
		key := fmt.Sprintf("%s %s %d", r.Record.Protocol, r.Record.Session, r.Record.Seq)
		seen[key] = true
		if r.WrongPlace || r.Record.Dir == "decode" && lookAlikes[key] == "" {
			t.Errorf("%q: %s", key, r)
		}
	}
	for key := range lookAlikes {
		if !seen[key] {
			t.Errorf("%s is recognised now: take it off the list", key)
		}
	}
}

// TestRoutingOfPieces cuts the messages short: the beginning of one is waited
// with, or goes to its own protocol, never to another.
func TestRoutingOfPieces(t *testing.T) {
	list := all.All()
	now := time.Now().UTC()
	corpus := readCorpus(t)
	for name, records := range readRecords(t, filepath.Join("*", "testdata", "*.jsonl")) {
		p, ok := all.ByName(name)
		if !ok || p.Transports&protocol.TCP == 0 {
			continue
		}
		for _, r := range append(records, corpus[name]...) {
			b, ok, err := protocoltest.Wire(&p, &r)
			if err != nil {
				t.Fatal(err)
			}
			if !ok || r.Dir != "decode" || r.Transport(&p) != protocol.TCP || guessed(list, b, now) != name {
				continue
			}
			for n := range min(len(b), 48) {
				guess := protocol.Recognise(list, b[:n], protocol.TCP, now, false)
				if guess.Protocol != nil && guess.Protocol.Name != name {
					t.Errorf("%s %s %d: the first %d bytes go to %s: %.80q", name, r.Session, r.Seq, n, guess.Protocol.Name, b)
					break
				}
				if guess.Protocol == nil && !guess.Wait {
					t.Errorf("%s %s %d: the first %d bytes are given up: %.80q", name, r.Session, r.Seq, n, b)
					break
				}
			}
		}
	}
}

// guessed is the protocol of a whole message.
func guessed(list []protocol.Protocol, b []byte, now time.Time) string {
	if guess := protocol.Recognise(list, b, protocol.TCP, now, true); guess.Protocol != nil {
		return guess.Protocol.Name
	}
	return ""
}

// TestScoring checks the scorer itself with records that are met, and the same
// ones spoilt, so that a corpus is never judged by a blind judge.
func TestScoring(t *testing.T) {
	p, ok := all.ByName("gt06")
	if !ok {
		t.Fatal("gt06 is missing")
	}
	const login = `{"session":"a","seq":0,"dir":"decode","kind":"hex","data":"78780d01012345678901234500018cdd0d0a","expect":"null","identity":"123456789012345","prelude":true}` + "\n"
	for _, c := range []struct{ good, bad string }{
		{`"expect":"position","lat":23.111668,"valid":true,"time":"2011-08-29T17:46:16.000Z"`, `"expect":"position","lat":23.2`},
		{`"expect":"attribute","attribute":"sat","value":12`, `"expect":"attribute","attribute":"sat","value":11`},
		{`"expect":"attribute","attribute":"course","value":143`, `"expect":"attribute","attribute":"course","value":null`},
		{`"expect":"attribute","attribute":"nothing","value":null`, `"expect":"null"`},
		{`"expect":"positions","lon":114.409285`, `"expect":"positions","lon":114.5`},
		{`"expect":"attributes"`, `"expect":"position","time":"2011-08-29T17:46:17.000Z"`},
	} {
		for i, expect := range []string{c.good, c.bad} {
			lines := login + `{"session":"a","seq":1,"dir":"decode","kind":"hex","data":"78781f120b081d112e10cc027ac7eb0c46584900148f01cc00287d001fb8000380810d0a",` + expect + "}\n"
			records, err := recording.Read(strings.NewReader(lines))
			if err != nil {
				t.Fatal(err)
			}
			total, misses := protocoltest.Score(&p, records, time.Now().UTC())
			if total != 1 || len(misses) != i {
				t.Errorf("%s: %d scored, misses %v", expect, total, misses)
			}
		}
	}
}

// BenchmarkRecognise measures what the first message of a peer costs on the
// port for any device, over the messages of the folders of the protocols.
func BenchmarkRecognise(b *testing.B) {
	list := all.All()
	files, err := filepath.Glob(filepath.Join("*", "testdata", "*.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	var messages [][]byte
	for _, name := range files {
		p, ok := all.ByName(filepath.Base(filepath.Dir(filepath.Dir(name))))
		f, err := os.Open(name)
		if err != nil || !ok {
			b.Fatal(name, err)
		}
		records, err := recording.Read(f)
		f.Close()
		if err != nil {
			b.Fatal(err)
		}
		for i := range records {
			if m, ok, err := protocoltest.Wire(&p, &records[i]); ok && err == nil && records[i].Transport(&p) == protocol.TCP {
				messages = append(messages, m)
			}
		}
	}
	now := time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		protocol.Recognise(list, messages[i%len(messages)], protocol.TCP, now, false)
	}
}
