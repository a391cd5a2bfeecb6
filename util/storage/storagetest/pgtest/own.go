package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
)

// Server is a server that belongs to one test, which may stop it.
type Server struct {
	// URL is that of its database postgres.
	URL    string
	dir    string
	input  io.WriteCloser
	output *bufio.Reader
}

// NewServer starts a server, which ends with the test. Without the programs for
// it the test is skipped, or fails if WAYMARK_REQUIRE_POSTGRES=1.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s, err := start()
	if err != nil {
		notTested(t, err)
	}
	t.Cleanup(func() {
		s.input.Close()
		io.Copy(io.Discard, s.output) // ends when the supervisor does
	})
	return s
}

// Folder is where the server keeps its data.
func (s *Server) Folder() string { return filepath.Join(s.dir, "data") }

// Stop ends the server, and with it all connections, as an operator would who
// does not wait for them. It returns when the server has ended.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.command(t, "stop")
}

// Start starts a server that was stopped, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.command(t, "start")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := s.answers(ctx); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) command(t testing.TB, command string) {
	t.Helper()
	if _, err := fmt.Fprintln(s.input, command); err != nil {
		t.Fatal(err)
	}
	if _, err := s.output.ReadString('\n'); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}
