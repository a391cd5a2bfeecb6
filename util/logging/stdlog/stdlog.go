// Package stdlog keeps what libraries write with package log of the standard
// library out of the middle of our structured lines. What they write while
// packages initialise, before any main runs, is held back until a program has a
// logger for it.
//
// Packages initialise in the order of their paths once all they import has, so
// that this one, which imports next to nothing, comes before all that import
// net/http.
package stdlog

import (
	"io"
	"log"
	"os"
	"strings"
	"sync"
)

// maxHeld bounds the lines that wait; more are dropped.
const maxHeld = 100

var flags = log.Flags()

func init() {
	log.SetFlags(0)
	log.SetOutput(&lines)
}

var lines holder

// holder takes lines, one with each Write.
type holder struct {
	mu   sync.Mutex
	held []string
	to   func(line string) // nil while they wait
}

var _ io.Writer = &lines

// Write implements io.Writer.
func (h *holder) Write(b []byte) (int, error) {
	line := strings.TrimRight(string(b), "\n")
	h.mu.Lock()
	to := h.to
	if to == nil && len(h.held) < maxHeld {
		h.held = append(h.held, line)
	}
	h.mu.Unlock()
	if to != nil {
		to(line)
	}
	return len(b), nil
}

// Begun tells that the packages whose lines are held have initialised: until
// Pass the rest goes to standard error, as ever.
func Begun() {
	log.SetFlags(flags)
	log.SetOutput(os.Stderr)
}

// Pass gives f the lines that were held, and all that come from now on. F may be
// called by several goroutines at once.
func Pass(f func(line string)) {
	lines.mu.Lock()
	held := lines.held
	lines.held, lines.to = nil, f
	lines.mu.Unlock()
	log.SetFlags(0)
	log.SetOutput(&lines)
	for _, line := range held {
		f(line)
	}
}
