package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/simulator"
)

// execute runs a command of the tools and returns what it prints.
func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := simulateCommand()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(io.Discard)
	c.SetArgs(args)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// acknowledge takes records of teltonika devices, one in a packet.
func acknowledge(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for answer := []byte{1}; ; answer = []byte{0, 0, 0, 1} {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// What simulate writes down, verify finds missing in an empty server.
func TestSimulateAndVerify(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go acknowledge(conn)
		}
	}()
	ledger, report := filepath.Join(t.TempDir(), "sent.csv"), filepath.Join(t.TempDir(), "report.json")
	out, err := execute(t, "--protocol", "teltonika", "--target", l.Addr().String(), "--devices", "2", "--rate", "40", "--duration", "500ms",
		"--ledger", ledger, "--report", report)
	if err != nil || !strings.Contains(out, "acknowledged") {
		t.Fatalf("%v\n%s", err, out)
	}
	var r simulator.Report
	b, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil || r.Acknowledged == 0 || r.Made > 30 || r.Devices != 2 {
		t.Fatalf("%v, %+v", err, r)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/session", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "of the file" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("GET /api/devices", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[{"id":1}]`) })
	mux.HandleFunc("GET /api/positions", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[]`) })
	server := httptest.NewServer(mux)
	defer server.Close()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("of the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = execute(t, "verify", "--ledger", ledger, "--url", server.URL, "--user", "anna@example.com", "--password-file", password, "--report", "-")
	var v simulator.Verdict
	if jerr := json.Unmarshal([]byte(out), &v); jerr != nil || v.Missing != int(r.Acknowledged) || v.OK() {
		t.Errorf("%v, %+v", jerr, v)
	}
	if err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("verify ended with %v", err)
	}
}

func TestSimulateExplainsItself(t *testing.T) {
	for want, args := range map[string][]string{
		"can be simulated": {"--protocol", "taip", "--target", "localhost"},
		"port of its own":  {"--protocol", "gt06,h02", "--target", "localhost:1"},
		"target":           {"--protocol", "gt06"},
		"noise":            {"--protocol", "gt06", "--target", "localhost", "--noise", "7"},
		"rate":             {"--protocol", "gt06", "--target", "localhost", "--rate", "7", "--interval", "1s"},
		"open ledger":      {"--protocol", "gt06", "--target", "localhost", "--ledger", filepath.Join(t.TempDir(), "no", "file")},
		"devices: 0":       {"--protocol", "gt06", "--target", "localhost", "--rate", "1", "--devices", "0"},
		"rate: -1":         {"--protocol", "gt06", "--target", "localhost", "--rate", "-1"},
		"no such file":     {"verify", "--ledger", filepath.Join(t.TempDir(), "no"), "--url", "http://localhost:1", "--user", "a"},
	} {
		if _, err := execute(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
