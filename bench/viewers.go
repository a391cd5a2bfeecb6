package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// account is somebody who is signed in.
type account struct {
	base string
	http *http.Client
	id   int64
}

const password = "a password for measuring"

// signUp makes an account; the first one is an administrator.
func signUp(ctx context.Context, base string, by *account, name string) (*account, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	a := &account{base: base, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
	maker := a
	if by != nil {
		maker = by
	}
	email := name + "@bench.invalid"
	var user struct{ ID int64 }
	if err := maker.call(ctx, http.MethodPost, "/api/users", map[string]any{"name": name, "email": email, "password": password}, &user); err != nil {
		return nil, err
	}
	a.id = user.ID
	form := url.Values{"email": {email}, "password": {password}}
	return a, a.send(ctx, http.MethodPost, "/api/session", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), nil)
}

// call sends in as JSON and reads the answer into out; either may be nil.
func (a *account) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	return a.send(ctx, method, path, "application/json", body, out)
}

func (a *account) send(ctx context.Context, method, path, kind string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 200))
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// deviceIDs returns the ids of all devices by unique id.
func (a *account) deviceIDs(ctx context.Context) (map[string]int64, error) {
	var devices []struct {
		ID       int64
		UniqueID string
	}
	if err := a.call(ctx, http.MethodGet, "/api/devices", nil, &devices); err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(devices))
	for _, d := range devices {
		ids[d.UniqueID] = d.ID
	}
	return ids, nil
}

// families is how many accounts share the fleet: each sees a part of it.
const families = 20

// viewers are open sockets that watch the fleet.
type viewers struct {
	sockets  []*websocket.Conn
	group    errgroup.Group
	messages atomic.Int64
	shown    atomic.Int64
	delays   *delays // nil: not measured
}

// watch opens n sockets, spread over families that see a part of the fleet each.
func watch(ctx context.Context, admin *account, n int, delays *delays) (*viewers, error) {
	ids, err := admin.deviceIDs(ctx)
	if err != nil {
		return nil, err
	}
	if delays != nil {
		delays.know(ids)
	}
	var members []*account
	for i := range min(families, n) {
		member, err := signUp(ctx, admin.base, admin, "family"+strconv.Itoa(i))
		if err != nil {
			return nil, fmt.Errorf("make an account: %w", err)
		}
		members = append(members, member)
	}
	next := 0
	for _, id := range ids {
		if len(members) == 0 {
			break
		}
		link := struct { // the owner comes first
			UserID   int64 `json:"userId"`
			DeviceID int64 `json:"deviceId"`
		}{members[next%len(members)].id, id}
		if err := admin.call(ctx, http.MethodPost, "/api/permissions", link, nil); err != nil {
			return nil, fmt.Errorf("share a device: %w", err)
		}
		next++
	}
	v := &viewers{delays: delays}
	for i := range n {
		if err := v.open(ctx, members[i%len(members)]); err != nil {
			v.close()
			return nil, err
		}
	}
	return v, nil
}

func (v *viewers) open(ctx context.Context, a *account) error {
	c, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(a.base, "http")+"/api/socket", &websocket.DialOptions{HTTPClient: &http.Client{Jar: a.http.Jar}})
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	c.SetReadLimit(64 << 20)
	v.sockets = append(v.sockets, c)
	first := true
	v.group.Go(func() error {
		for {
			_, b, err := c.Read(context.WithoutCancel(ctx))
			if err != nil {
				if websocket.CloseStatus(err) == websocket.StatusNormalClosure || errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			now := time.Now()
			v.messages.Add(1)
			if !first { // the first holds what was there before
				v.count(b, now)
			}
			first = false
		}
	})
	return nil
}

// count finds the positions of a message without reading all of it: the
// machine is shared with the server.
func (v *viewers) count(b []byte, now time.Time) {
	for {
		_, rest, ok := bytes.Cut(b, []byte(`"fixTime":"`))
		if !ok {
			return
		}
		v.shown.Add(1)
		if v.delays != nil {
			head := b[:len(b)-len(rest)]
			if i := bytes.LastIndex(head, []byte(`"deviceId":`)); i >= 0 {
				v.delays.shown(head[i+len(`"deviceId":`):], rest, now)
			}
		}
		b = rest
	}
}

func (v *viewers) close() {
	for _, c := range v.sockets {
		c.CloseNow()
	}
	v.group.Wait()
}
