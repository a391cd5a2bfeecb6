package protocol_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// framesFolder names a folder of record files (*.jsonl), for example captured
// frames that may not be published.
const framesFolder = "WAYMARK_FRAMES"

// TestCorpus scores the records of that folder. It reports, it does not judge:
// what is missed and why stands in the README of each protocol.
func TestCorpus(t *testing.T) {
	folder := os.Getenv(framesFolder)
	if folder == "" {
		t.Logf("%s is not set: no folder of frames to score, the built-in records are checked", framesFolder)
		return
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.jsonl files in %s (%v)", folder, err)
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
			byProtocol[r.Protocol] = append(byProtocol[r.Protocol], r)
		}
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
