package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/util/metric"
)

const (
	// callTimeout bounds one try of every call but getUpdates.
	callTimeout = 15 * time.Second
	// maxRequest and maxReply bound what is read, in bytes. A reply holds 100
	// updates at most.
	maxRequest = 1 << 20
	maxReply   = 16 << 20

	retryFirst = time.Second
	retryLimit = time.Minute
)

// transport is the way to the Bot API for whoever calls it. It keeps Telegram's
// limits, makes calls to a chat again when the network, the server or a limit
// stood in the way (until the deadline of the request; a message may then
// arrive twice, but none is lost in silence), and turns every answer that is
// not a success into an error.
//
// The calls of one chat are paced by chat_id in a JSON body. Uploads are not
// JSON and so not paced; the bot makes none.
type transport struct {
	next   http.RoundTripper
	limits *limits
	calls  metric.CounterOf
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func newTransport(proxy string, dial dialFunc, calls metric.CounterOf) (*transport, error) {
	next := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dial,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, errors.New("read the proxy's URL") // the parser's text may quote a password
		}
		next.Proxy = http.ProxyURL(u)
	}
	return &transport{next: next, limits: newLimits(), calls: calls}, nil
}

// CloseIdleConnections is called by http.Client's method of that name.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper, except that an answer other than
// ok is an error: *APIError, or one that wraps errNotAPI.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := takeBody(req)
	if err != nil {
		return nil, err
	}
	method := path.Base(req.URL.Path)
	id := chatID(body)
	if id == 0 || strings.EqualFold(method, "getUpdates") {
		return t.try(req, method, body)
	}
	ctx := req.Context()
	chat, leave, err := t.limits.enter(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("wait for the chat's turn: %w", err)
	}
	defer leave()
	var last error
	for n := 1; ; n++ {
		if err := t.limits.wait(ctx, method, chat); err != nil {
			return nil, errors.Join(last, err)
		}
		resp, err := t.try(req, method, body)
		var api *APIError
		switch {
		case errors.As(err, &api) && api.Code == http.StatusTooManyRequests:
			t.limits.told(id, chat, max(api.RetryAfter, time.Second))
		case ctx.Err() == nil && transient(err):
			if sleep(ctx, backoff(n, retryFirst, retryLimit)) != nil {
				return nil, err
			}
		default:
			return resp, err
		}
		last = err
	}
}

// try makes the call once.
func (t *transport) try(req *http.Request, method string, body []byte) (*http.Response, error) {
	ctx, cancel := req.Context(), context.CancelFunc(func() {})
	if !strings.EqualFold(method, "getUpdates") { // which has a deadline of its own
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
	}
	defer cancel()
	once := req.Clone(ctx)
	once.Body, once.ContentLength = http.NoBody, 0
	if len(body) > 0 {
		once.Body, once.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	resp, err := t.next.RoundTrip(once)
	if err != nil {
		t.count(method, "network")
		return nil, redactError(fmt.Errorf("telegram %s: %w", method, err))
	}
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	resp.Body.Close()
	if err == nil && len(reply) > maxReply {
		err = fmt.Errorf("the answer has more than %d bytes", maxReply)
	}
	if err != nil {
		t.count(method, "network")
		return nil, redactError(fmt.Errorf("telegram %s: read the answer: %w", method, err))
	}
	if err := parseReply(method, resp.StatusCode, reply); err != nil {
		code := "not_api"
		if api, ok := err.(*APIError); ok {
			code = strconv.Itoa(api.Code)
		}
		t.count(method, code)
		return nil, err
	}
	t.count(method, "ok")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(reply)), int64(len(reply))
	return resp, nil
}

func (t *transport) count(method, result string) { t.calls(method, result).Inc() }

// parseReply returns nil for a success only.
func parseReply(method string, status int, reply []byte) error {
	var r struct {
		OK          *bool  `json:"ok"`
		Code        int    `json:"error_code"`
		Description string `json:"description"`
		Parameters  struct {
			RetryAfter int64 `json:"retry_after"`
			MigrateTo  int64 `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	if err := json.Unmarshal(reply, &r); err != nil || r.OK == nil {
		return fmt.Errorf("telegram %s: status %d: %w", method, status, errNotAPI)
	}
	if *r.OK {
		return nil
	}
	if r.Code == 0 {
		r.Code = status
	}
	const maxPause = 24 * time.Hour
	pause := min(time.Duration(min(r.Parameters.RetryAfter, int64(maxPause/time.Second)))*time.Second, maxPause)
	return &APIError{method, r.Code, redact(r.Description), max(pause, 0), r.Parameters.MigrateTo}
}

func takeBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxRequest {
		return nil, fmt.Errorf("the request has more than %d bytes", maxRequest)
	}
	return body, nil
}

// chatID reads the chat a call goes to, written as a number or as a text; 0
// for none.
func chatID(body []byte) int64 {
	var r struct {
		ChatID json.RawMessage `json:"chat_id"`
	}
	if json.Unmarshal(body, &r) != nil {
		return 0
	}
	id, err := strconv.ParseInt(strings.Trim(string(r.ChatID), `"`), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
