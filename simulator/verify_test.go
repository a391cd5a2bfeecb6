package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// past is a History that is known.
type past map[string][]Stored

func (h past) Positions(_ context.Context, id string, from, to time.Time, each func(Stored)) error {
	if h[id] == nil {
		return errNoDevice(id)
	}
	for _, s := range h[id] {
		if !s.FixTime.Before(from) && !s.FixTime.After(to) {
			each(s)
		}
	}
	return nil
}

// written makes a ledger of three reports of a device, and what is stored then.
func written(t *testing.T) (ledger string, stored []Stored) {
	t.Helper()
	var b bytes.Buffer
	l := newLedger(&b)
	d := &device{id: "1", protocol: "gt06"}
	for i := range int64(3) {
		r := report{at: 1_780_000_000 + i, lat: -7*grid - 3, lon: 13*grid + 1, kmh: 54, course: 359}
		l.add(d, &r)
		var p data.Position
		r.position(&p)
		stored = append(stored, Stored{p.FixTime, p.Latitude + 1e-9, p.Longitude, converters.KnotsFromKmh(54.02), 359.1, false})
	}
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	return b.String(), stored
}

func TestVerify(t *testing.T) {
	ledger, stored := written(t)
	moved := slices.Clone(stored)
	moved[1].Latitude += 1.0 / grid
	taken := append(slices.Clone(stored), stored[2])
	taken[3].NotReport = true
	other := append(slices.Clone(stored), stored[2])
	other[3].FixTime = stored[1].FixTime
	other[3].Longitude++
	for name, c := range map[string]struct {
		stored []Stored
		want   Verdict
	}{
		"as it was":        {stored, Verdict{Stored: 3}},
		"missing":          {stored[:2], Verdict{Stored: 2, Missing: 1}},
		"twice":            {append(slices.Clone(stored), stored[0]), Verdict{Stored: 3, Twice: 1}},
		"changed":          {moved, Verdict{Stored: 2, Changed: 1}},
		"the place again":  {taken, Verdict{Stored: 3}},
		"not acknowledged": {other, Verdict{Stored: 3, Others: 1}},
	} {
		v, err := Verify(context.Background(), strings.NewReader(ledger), past{"1": c.stored})
		examples := len(v.Examples)
		v.Examples = nil
		c.want.Acknowledged, c.want.Devices = 3, 1
		if err != nil || v.String() != c.want.String() || v.OK() != (examples == 0) {
			t.Errorf("%s: %v, %d examples\n%s", name, err, examples, v.String())
		}
	}
	if _, err := Verify(context.Background(), strings.NewReader(ledger), past{}); !errors.Is(err, data.ErrNotFound) {
		t.Errorf("a device that nobody knows: %v", err)
	}
	for _, bad := range []string{"", "a,b\n1,2\n", ledgerHead + "1,gt06,yesterday,1,2,3,4\n", ledgerHead + "1,gt06\n"} {
		if _, err := Verify(context.Background(), strings.NewReader(bad), past{}); !errors.Is(err, data.ErrInvalid) && bad != ledgerHead {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// The API gives two positions at a time here: verification goes on from the last.
func TestVerifyOverTheAPI(t *testing.T) {
	ledger, stored := written(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/session", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("email") != "anna@example.com" || r.FormValue("password") != "secret" {
			http.Error(w, "wrong password", http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
	})
	signedIn := func(w http.ResponseWriter, r *http.Request) bool {
		_, err := r.Cookie("session")
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return err == nil
	}
	mux.HandleFunc("GET /api/devices", func(w http.ResponseWriter, r *http.Request) {
		if signedIn(w, r) && r.FormValue("uniqueId") == "1" {
			w.Write([]byte(`[{"id":7,"uniqueId":"1"}]`))
		}
	})
	mux.HandleFunc("GET /api/positions", func(w http.ResponseWriter, r *http.Request) {
		if !signedIn(w, r) || r.FormValue("deviceId") != "7" {
			return
		}
		from, _ := time.Parse(time.RFC3339Nano, r.FormValue("from"))
		out := []map[string]any{}
		for i, s := range stored {
			if !s.FixTime.Before(from) && len(out) < 2 {
				out = append(out, map[string]any{
					"id": i, "fixTime": s.FixTime, "latitude": s.Latitude, "longitude": s.Longitude, "speed": s.SpeedKnots, "course": s.CourseDeg,
				})
			}
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(strconv.Itoa(len(out)), err)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	if _, err := SignIn(t.Context(), server.URL, "anna@example.com", "wrong"); err == nil || !strings.Contains(err.Error(), "wrong password") {
		t.Errorf("signed in: %v", err)
	}
	api, err := SignIn(t.Context(), server.URL+"/", "anna@example.com", "secret")
	if err != nil {
		t.Fatal(err)
	}
	v, err := Verify(t.Context(), strings.NewReader(ledger), api)
	if err != nil || !v.OK() || v.Stored != 3 {
		t.Errorf("%v\n%s", err, v.String())
	}
}
