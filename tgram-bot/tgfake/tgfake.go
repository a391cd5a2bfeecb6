// Package tgfake is a Telegram Bot API server for tests. It keeps chats and
// messages, delivers updates by long polling, refuses what Telegram refuses,
// and can be told to fail. People are played by the test: SendText, Tap.
//
// New listens on a loopback port. NewPipe works in memory and is for tests in a
// testing/synctest bubble: the bot must then dial with Server.Dial, and all
// time, the server's limits and long polls included, is the bubble's.
//
// The server implements the part of the Bot API that the bot uses, with the
// rules of https://core.telegram.org/bots/api and the wording of
// github.com/tdlib/telegram-bot-api where tests may depend on it.
package tgfake

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	// Token is the only token the server accepts.
	Token = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFa"
	// BotID and Username are who the bot is.
	BotID    = 123456789
	Username = "waymark_test_bot"

	// patience is how long the waiting methods wait before the test fails.
	patience = 15 * time.Second
)

// Server is the fake.
type Server struct {
	// URL is the base URL, to be the bot's api-url.
	URL string

	t        testing.TB
	http     *http.Server
	listener net.Listener

	mu      sync.Mutex    // guards what follows
	changed chan struct{} // closed and replaced whenever something changed
	closed  bool

	updates    []*update
	nextUpdate int64
	allowed    []string // nil: all kinds
	poll       chan struct{}

	chats    map[int64]*chat
	taps     map[string]*Answer
	commands map[string][]Command
	faults   []*Fault
	calls    []Call
	limits   limits
}

// Call is a call that the bot made.
type Call struct {
	Method string
	// Params are the parameters; what is not text is JSON.
	Params map[string]string
	At     time.Time
}

// Command is an entry of the bot's menu.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// Answer is what became of a tap.
type Answer struct {
	// Answered says that the spinner has stopped; Text is the popup.
	Answered bool
	Text     string
}

// New starts a server on a loopback port. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start the fake Telegram: %v", err)
	}
	return start(t, l, "http://"+l.Addr().String())
}

// NewPipe starts a server in memory. It ends with the test.
func NewPipe(t testing.TB) *Server {
	return start(t, &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}, "http://telegram.localhost")
}

func start(t testing.TB, l net.Listener, url string) *Server {
	s := &Server{
		URL: url, t: t, listener: l,
		changed:    make(chan struct{}),
		nextUpdate: 700_000_001,
		chats:      map[int64]*chat{},
		taps:       map[string]*Answer{},
		commands:   map[string][]Command{},
	}
	s.limits.init()
	s.http = &http.Server{Handler: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.http.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return s
}

// Close ends the server and its connections, as if Telegram were down.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.notify()
	}
	s.mu.Unlock()
	_ = s.http.Close() // what it cuts is meant to be cut
}

// Dial connects to the server whatever the address.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p, ok := s.listener.(*pipeListener); ok {
		return p.dial(ctx)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.listener.Addr().String())
}

// notify wakes all waiters; s.mu is held.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Await waits until ok holds, which is asked again after every change. It ends
// the test when that takes too long. ok may call the server's methods.
func (s *Server) Await(what string, ok func() bool) {
	s.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			s.t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

// Settle waits until the bot has confirmed every update.
func (s *Server) Settle() {
	s.t.Helper()
	s.Await("the bot to confirm all updates", func() bool { return s.Pending() == 0 })
}

// Pending is how many updates the bot has not confirmed.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.updates)
}

// Calls returns the calls of a method so far, "" for all.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			found = append(found, c)
		}
	}
	return found
}

// Commands returns the menu for a language.
func (s *Server) Commands(language string) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands[language])
}

// Violations lists the calls that came before a retry_after had passed. A test
// with limits or 429s in it wants none.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.limits.violations)
}

// Unanswered counts the taps whose spinner still turns.
func (s *Server) Unanswered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.taps {
		if !a.Answered {
			n++
		}
	}
	return n
}

// pipeListener accepts connections made by dial.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, fmt.Errorf("dial the fake Telegram: %w", net.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
