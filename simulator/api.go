package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// apiTimeout bounds one request.
const apiTimeout = 2 * time.Minute

// API asks a Waymark server over HTTP.
type API struct {
	base string
	http *http.Client
}

// SignIn opens a session: base is the address of the page, http://host:port.
func SignIn(ctx context.Context, base, email, password string) (*API, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	a := &API{base: strings.TrimRight(base, "/"), http: &http.Client{Jar: jar, Timeout: apiTimeout}}
	form := url.Values{"email": {email}, "password": {password}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/api/session", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := a.do(r, func(*json.Decoder) error { return nil }); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", email, err)
	}
	return a, nil
}

func (a *API) do(r *http.Request, read func(*json.Decoder) error) error {
	response, err := a.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 200))
		return fmt.Errorf("HTTP %s: %s: %w", response.Status, strings.TrimSpace(string(text)), data.ErrUnavailable)
	}
	return read(json.NewDecoder(response.Body))
}

func (a *API) get(ctx context.Context, path string, query url.Values, read func(*json.Decoder) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	return a.do(r, read)
}

// Positions implements History.
func (a *API) Positions(ctx context.Context, uniqueID string, from, to time.Time, each func(Stored)) error {
	var devices []struct {
		ID int64 `json:"id"`
	}
	err := a.get(ctx, "/api/devices", url.Values{"uniqueId": {uniqueID}}, func(d *json.Decoder) error { return d.Decode(&devices) })
	if err != nil {
		return err
	}
	if len(devices) != 1 {
		return errNoDevice(uniqueID)
	}
	seen := map[int64]bool{} // of the last second: an answer has a limit, and pages overlap
	for {
		last, fresh, err := a.page(ctx, devices[0].ID, from, to, seen, each)
		if err != nil {
			return err
		}
		if fresh == 0 || last.Before(from) {
			return nil
		}
		from = last
	}
}

// page reads one answer: the positions that are not seen yet. last is the latest
// time in it.
func (a *API) page(ctx context.Context, device int64, from, to time.Time, seen map[int64]bool, each func(Stored)) (last time.Time, fresh int, err error) {
	query := url.Values{
		"deviceId": {fmt.Sprint(device)}, "from": {from.Format(time.RFC3339Nano)}, "to": {to.Format(time.RFC3339Nano)},
	}
	err = a.get(ctx, "/api/positions", query, func(d *json.Decoder) error {
		if _, err := d.Token(); err != nil { // the bracket of the list
			return err
		}
		for d.More() {
			var p struct {
				ID         int64          `json:"id"`
				FixTime    time.Time      `json:"fixTime"`
				Outdated   bool           `json:"outdated"`
				Latitude   float64        `json:"latitude"`
				Longitude  float64        `json:"longitude"`
				Speed      float64        `json:"speed"`
				Course     float64        `json:"course"`
				Attributes map[string]any `json:"attributes"`
			}
			if err := d.Decode(&p); err != nil {
				return err
			}
			if p.FixTime.After(last) {
				last = p.FixTime
			}
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			fresh++
			each(Stored{p.FixTime, p.Latitude, p.Longitude, p.Speed, p.Course, p.Outdated || p.Attributes["result"] != nil})
		}
		return nil
	})
	if err != nil {
		return last, 0, fmt.Errorf("read positions: %w", err)
	}
	return last, fresh, nil
}
