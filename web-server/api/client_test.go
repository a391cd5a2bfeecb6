package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
)

// client is a browser or a program.
type client struct {
	e    *env
	http *http.Client
	// email and password are sent with every request, if set.
	email, password string
	// query is added to the address of the socket.
	query string
}

func (e *env) client() *client {
	jar, _ := cookiejar.New(nil)
	return &client{e: e, http: &http.Client{Jar: jar, Timeout: patience}}
}

// basic is a client that sends its password with every request.
func (e *env) basic(u data.User) *client {
	c := e.client()
	c.email, c.password = u.Email, testPassword
	return c
}

// answer is what a request got.
type answer struct {
	code   int
	header http.Header
	body   string
}

// do sends a request. A body that is a url.Values goes as a form, a string as
// it is, anything else as JSON.
func (c *client) do(method, path string, body any, headers ...string) answer {
	c.e.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.e.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c *client) try(method, path string, body any, headers ...string) (answer, error) {
	var in io.Reader
	contentType := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		in, contentType = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	case string:
		in = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		in, contentType = bytes.NewReader(j), "application/json"
	}
	req, err := http.NewRequestWithContext(c.e.t.Context(), method, c.e.url+path, in)
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.email != "" {
		req.SetBasicAuth(c.email, c.password)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	c.e.asked.Add(1)
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, string(text)}
	if err == nil {
		c.keepsContract(req, &a)
	}
	return a, err
}

// keepsContract checks an answer against the description of the API.
func (c *client) keepsContract(req *http.Request, a *answer) {
	c.e.t.Helper()
	contract, err := loadContract()
	if err != nil {
		c.e.t.Fatal(err)
	}
	if wrong := contract.check(req.Method, req.URL, a); wrong != "" {
		c.e.t.Errorf("%s %s = %d %.300s\nbreaks the contract: %s", req.Method, req.URL.Path, a.code, a.body, wrong)
	}
}

// want checks the status of an answer and returns its body.
func (c *client) want(code int, method, path string, body any, headers ...string) string {
	c.e.t.Helper()
	a := c.do(method, path, body, headers...)
	if a.code != code {
		c.e.t.Fatalf("%s %s = %d %s, want %d", method, path, a.code, a.body, code)
	}
	return a.body
}

// signIn opens a session.
func (c *client) signIn(u data.User) *client {
	c.e.t.Helper()
	c.want(200, "POST", "/api/session", url.Values{"email": {u.Email}, "password": {testPassword}})
	return c
}

// socket is an open live channel.
type socket struct {
	e    *env
	conn *websocket.Conn
	// first is the first message.
	first string
}

// dial opens a socket; it fails with the answer's code.
func (c *client) dial(headers ...string) (*socket, int) {
	c.e.t.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	if c.email != "" {
		r := &http.Request{Header: h}
		r.SetBasicAuth(c.email, c.password)
	}
	conn, res, err := websocket.Dial(c.e.t.Context(), c.e.url+"/api/socket"+c.query, &websocket.DialOptions{
		HTTPClient: &http.Client{Jar: c.http.Jar}, HTTPHeader: h,
	})
	if err != nil {
		if res == nil {
			c.e.t.Fatal(err)
		}
		return nil, res.StatusCode
	}
	conn.SetReadLimit(16 << 20)
	c.e.t.Cleanup(func() { conn.CloseNow() })
	s := &socket{e: c.e, conn: conn}
	s.first = s.read()
	return s, res.StatusCode
}

func (c *client) open() *socket {
	c.e.t.Helper()
	s, code := c.dial()
	if s == nil {
		c.e.t.Fatalf("open socket: %d", code)
	}
	return s
}

// read waits for one message.
func (s *socket) read() string {
	s.e.t.Helper()
	m, err := s.tryRead()
	if err != nil {
		s.e.t.Fatalf("read socket: %v", err)
	}
	return m
}

func (s *socket) tryRead() (string, error) {
	ctx, cancel := context.WithTimeout(s.e.t.Context(), patience)
	defer cancel()
	_, m, err := s.conn.Read(ctx)
	if err != nil {
		return "", err
	}
	contract, err := loadContract()
	if err != nil {
		return "", err
	}
	if wrong := contract.checkJSON("/components/schemas/SocketMessage", string(m)); wrong != "" {
		s.e.t.Errorf("the socket says %.300s\nwhich breaks the contract: %s", m, wrong)
	}
	return string(m), nil
}

// closedWith reads until the server closes and returns the code.
func (s *socket) closedWith() websocket.StatusCode {
	s.e.t.Helper()
	for {
		if _, err := s.tryRead(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// until reads until a message has text in it.
func (s *socket) until(text string) string {
	s.e.t.Helper()
	for {
		if m := s.read(); strings.Contains(m, text) {
			return m
		}
	}
}

// ids are the ids of a JSON list.
func ids(t *testing.T, body string) []int64 {
	t.Helper()
	var list []struct{ ID int64 }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	out := []int64{}
	for _, o := range list {
		out = append(out, o.ID)
	}
	return out
}

// permit is the body that lets a user see a device; the order of its keys counts.
func permit(userID, deviceID int64) string {
	return fmt.Sprintf(`{"userId":%d,"deviceId":%d}`, userID, deviceID)
}
