package metric

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestLibraryInitialisesLast: what it logs then is held back.
func TestLibraryInitialisesLast(t *testing.T) {
	self := exec.Command(os.Args[0], "-test.run=^$")
	self.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := self.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ours := strings.Index(string(out), "init github.com/waymark-gps/waymark/util/logging/stdlog ")
	theirs := strings.Index(string(out), "init github.com/VictoriaMetrics/metrics ")
	if ours < 0 || theirs < ours {
		t.Errorf("stdlog at %d, the library at %d of\n%s", ours, theirs, out)
	}
}

func TestName(t *testing.T) {
	for want, have := range map[string]string{
		`a_total`:        Name("a_total"),
		`a_total{x="1"}`: Name("a_total", "x", "1"),
		`a_total{x="1",why="said \"no\\yes\"\n"}`: Name("a_total", "x", "1", "why", "said \"no\\yes\"\n"),
	} {
		if have != want {
			t.Errorf("have %s, want %s", have, want)
		}
	}
}

func TestHandler(t *testing.T) {
	set := NewSet()
	frames := Counters(set, "waymark_frames_total", "protocol", "outcome")
	frames("gt06", "decoded").Add(2)
	frames("gt06", "decoded").Inc()
	open := Gauges(set, "waymark_open", "protocol")
	open("gt06").Add(5)
	open("gt06").Add(-1)
	set.NewPrometheusHistogramExt("waymark_commit_seconds", Buckets(0.5, 2, 3)).Update(0.7)
	r := httptest.NewRecorder()
	Handler(set).ServeHTTP(r, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		"waymark_frames_total{protocol=\"gt06\",outcome=\"decoded\"} 3\n",
		"waymark_open{protocol=\"gt06\"} 4\n",
		"waymark_commit_seconds_bucket{le=\"0.5\"} 0\n",
		"waymark_commit_seconds_bucket{le=\"1\"} 1\n",
		"waymark_commit_seconds_bucket{le=\"2\"} 1\n",
		"waymark_commit_seconds_count 1\n",
		"go_goroutines ",
		"process_cpu_seconds_total ",
	} {
		if !strings.Contains(r.Body.String(), want) {
			t.Errorf("no %q in\n%s", want, r.Body)
		}
	}
}
