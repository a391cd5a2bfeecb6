package tgfake

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxBody bounds a request, in bytes.
const maxBody = 4 << 20

// maxPoll is the longest wait of getUpdates.
const maxPoll = 50 * time.Second

// ServeHTTP answers /bot<token>/<method>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/bot")
	token, method, found := strings.Cut(path, "/")
	if !ok || !found {
		answer(w, &apiError{code: 404, description: "Not Found"})
		return
	}
	if token != Token {
		answer(w, &apiError{code: 401, description: "Unauthorized"})
		return
	}
	p, err := readParams(r)
	if err != nil {
		answer(w, bad("can't parse request: "+err.Error()))
		return
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		cut(w)
		return
	}
	s.calls = append(s.calls, Call{method, p, time.Now()})
	s.notify()
	f := s.fault(method, p.int("chat_id"))
	s.mu.Unlock()
	if f != nil && !f.CutAfter {
		s.fail(w, f, p)
		return
	}
	var (
		result any
		refuse *apiError
	)
	if strings.EqualFold(method, "getUpdates") {
		result, refuse = s.getUpdates(r, p)
	} else if do := methods[strings.ToLower(method)]; do != nil {
		s.mu.Lock()
		result, refuse = do(s, p)
		s.mu.Unlock()
	} else {
		refuse = &apiError{code: 404, description: "Not Found: method not found"}
	}
	switch {
	case f != nil:
		cut(w)
	case refuse != nil:
		answer(w, refuse)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result}) // the client may have gone
	}
}

// fail answers as the fault says.
func (s *Server) fail(w http.ResponseWriter, f *Fault, p params) {
	switch {
	case f.CutBefore:
		cut(w)
	case f.Status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body) // the client may have gone
	case f.Code == http.StatusTooManyRequests:
		s.mu.Lock()
		now := time.Now()
		wait := f.RetryAfter
		if id := p.int("chat_id"); id != 0 {
			if until := s.limits.until[id]; now.Before(until) {
				wait = s.limits.take(id, now) // notes the violation
			} else {
				s.limits.hold(id, now, wait)
			}
		}
		s.mu.Unlock()
		answer(w, tooMany(wait))
	default:
		answer(w, &apiError{code: f.Code, description: f.Description})
	}
}

// getUpdates confirms and waits. A newer call ends an older one with a 409.
func (s *Server) getUpdates(r *http.Request, p params) (any, *apiError) {
	wait := min(time.Duration(p.int("timeout"))*time.Second, maxPoll)
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	var allowed []string
	if json.Unmarshal([]byte(p["allowed_updates"]), &allowed) == nil && allowed != nil {
		s.allowed = allowed // null and nothing keep the list
		if len(allowed) == 0 {
			s.allowed = nil
		}
	}
	if s.poll != nil {
		close(s.poll)
	}
	mine := make(chan struct{})
	s.poll = mine
	defer func() {
		if s.poll == mine {
			s.poll = nil
		}
	}()
	// An offset from before the ids began anew is in the future and confirms nothing.
	if offset := p.int("offset"); offset > 0 && offset <= s.nextUpdate {
		s.updates = slices.DeleteFunc(s.updates, func(u *update) bool { return u.id < offset })
		s.notify()
	}
	for {
		if len(s.updates) > 0 || wait == 0 || s.closed {
			return s.batch(p), nil
		}
		changed := s.changed
		s.mu.Unlock()
		ended := false
		var err *apiError
		select {
		case <-changed:
		case <-timeout.C:
			ended = true
		case <-r.Context().Done():
			ended = true
		case <-mine:
			err = &apiError{code: Conflict.Code, description: Conflict.Description}
		}
		s.mu.Lock()
		if err != nil {
			return nil, err
		}
		if ended {
			return s.batch(p), nil
		}
	}
}

func (s *Server) batch(p params) []json.RawMessage {
	limit := int(p.int("limit"))
	if limit < 1 || limit > 100 {
		limit = 100
	}
	batch := []json.RawMessage{}
	for _, u := range s.updates[:min(limit, len(s.updates))] {
		batch = append(batch, u.raw)
	}
	return batch
}

// readParams reads parameters from the query, a form or JSON; numbers may come
// as texts, objects as JSON within a text.
func readParams(r *http.Request) (params, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	p := params{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		var all map[string]json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&all); err != nil && err != io.EOF {
			return nil, err
		}
		for name, raw := range all {
			var text string
			switch {
			case string(raw) == "null":
			case json.Unmarshal(raw, &text) == nil:
				p[name] = text
			default:
				p[name] = string(raw)
			}
		}
		return p, nil
	}
	err := r.ParseMultipartForm(maxBody)
	if err != nil && err != http.ErrNotMultipart {
		return nil, err
	}
	for name, values := range r.Form {
		p[name] = values[0]
	}
	return p, nil
}

func answer(w http.ResponseWriter, e *apiError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.code)
	_, _ = w.Write(e.body()) // the client may have gone
}

// cut closes the connection without a word.
func cut(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}
