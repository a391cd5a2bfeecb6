package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// receiver is a webhook of somebody who knows repeats by their key, as the
// documentation says, and counts what comes by the event it is about.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	keys map[string]int64 // event by key
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{keys: map[string]int64{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var in struct{ Event struct{ ID int64 } }
		if err := json.Unmarshal(body, &in); err != nil {
			t.Errorf("webhook: %v in %s", err, body)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keys[req.Header.Get("Idempotency-Key")] = in.Event.ID
	}))
	t.Cleanup(r.Close)
	return r
}

// told counts how often the receiver was told of each event.
func (r *receiver) told() map[int64]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[int64]int{}
	for _, event := range r.keys {
		out[event]++
	}
	return out
}

// TestKillTellsEverybodyOnce kills the process while alarms come in and are
// told, several times: each alarm is told once, and none is lost.
func TestKillTellsEverybodyOnce(t *testing.T) {
	const alarms, every = 40, 8
	hook, dir := newReceiver(t), t.TempDir()
	i := serve(t, dir)
	i.signUp()
	var me map[string]any
	i.must("GET", "/api/session", nil, &me)
	me["attributes"] = map[string]any{"notify.webhookUrl": hook.URL}
	i.must("PUT", fmt.Sprintf("/api/users/%v", me["id"]), me, nil)
	i.must("POST", "/api/notifications", map[string]any{"type": "alarm", "always": true, "notificators": "webhook"}, nil)

	began := time.Now().UTC().Truncate(time.Second).Add(-2 * alarms * time.Second)
	for n := range 2 * alarms { // every other report has no alarm: the next one is a new event
		report := url.Values{"id": {phoneID}, "lat": {"52.5"}, "lon": {"13.4"}, "timestamp": {fmt.Sprint(began.Add(time.Duration(n) * time.Second).Unix())}}
		if n%2 == 0 {
			report.Set("alarm", "sos")
		}
		if n%(2*every) == 2*every-1 {
			// At some moment of processing and telling what came just now.
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			i.kill()
			i = serve(t, dir)
			i.signIn(adminEmail, adminPassword)
		}
		eventually(t, "a report to be taken", func() bool {
			resp, err := http.Get("http://" + i.ports["osmand"] + "/?" + report.Encode())
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	}
	eventually(t, "every alarm to be told", func() bool { return len(hook.told()) >= alarms })
	// What was interrupted is sent again after a while: it must be known then.
	var open []struct{ State string }
	eventually(t, "nothing to wait", func() bool {
		i.must("GET", "/api/notifications/deliveries?limit=1000", nil, &open)
		for _, d := range open {
			if d.State != "sent" {
				return false
			}
		}
		return len(open) == alarms
	})
	told := hook.told()
	for event, times := range told {
		if times != 1 {
			t.Errorf("event %d was told %d times", event, times)
		}
	}
	if len(told) != alarms {
		t.Errorf("%d alarms were told of, want %d", len(told), alarms)
	}
	if strings.Contains(i.out.String(), hook.URL) {
		t.Error("the address of the webhook is in the log")
	}
}
