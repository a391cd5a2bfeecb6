package tgfake

import (
	"fmt"
	"net/http"
	"time"
)

// Fault makes calls fail. The zero value of a field means that it does not
// matter.
type Fault struct {
	// Method and Chat choose the calls.
	Method string
	Chat   int64
	// Times is how many calls fail; 0 is all until Remove.
	Times int

	// Code and Description make an error of the Bot API; RetryAfter (seconds)
	// belongs to a 429, and the chat is then really held to it.
	Code        int
	Description string
	RetryAfter  int
	// Status and Body make an answer that is not the Bot API's.
	Status int
	Body   string
	// CutBefore and CutAfter cut the connection before or after the call has had
	// its effect.
	CutBefore, CutAfter bool

	server *Server
	used   int
}

// Common faults.
var (
	BadGateway = Fault{Status: http.StatusBadGateway, Body: "<html><body><h1>502 Bad Gateway</h1></body></html>"}
	Internal   = Fault{Code: 500, Description: "Internal Server Error"}
	Conflict   = Fault{Method: "getUpdates", Code: 409, Description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
)

// Inject adds a fault; of several that fit a call the first counts. The fault
// returned is the server's: ask it for Used, or Remove it.
func (s *Server) Inject(f Fault) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.server, f.used = s, 0
	s.faults = append(s.faults, &f)
	return &f
}

// Used counts the calls that have failed by the fault.
func (f *Fault) Used() int {
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	return f.used
}

// Remove ends the fault.
func (f *Fault) Remove() {
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	f.Times, f.used = max(f.used, 1), max(f.used, 1)
}

// fault finds the fault for a call and counts it; s.mu is held.
func (s *Server) fault(method string, chatID int64) *Fault {
	for _, f := range s.faults {
		if f.Method != "" && f.Method != method || f.Chat != 0 && f.Chat != chatID || f.Times > 0 && f.used >= f.Times {
			continue
		}
		f.used++
		s.notify()
		return f
	}
	return nil
}

// limits are what Telegram allows: about a message a second per chat with short
// bursts, 20 a minute per group, 30 a second in all. Telegram's exact rule is
// unknown; one message of slack keeps the network's jitter out of the tests.
type limits struct {
	sent       map[int64][]time.Time // within the last minute, 0 for all chats
	until      map[int64]time.Time
	violations []string
}

const (
	chatBurst = 4
	groupMost = 20
	allMost   = 31
)

func (l *limits) init() {
	l.sent, l.until = map[int64][]time.Time{}, map[int64]time.Time{}
}

// take counts a message into a chat. If it is one too many it returns how many
// seconds to wait; who does not wait waits longer and is noted.
func (l *limits) take(chatID int64, now time.Time) (retryAfter int) {
	if until := l.until[chatID]; now.Before(until) {
		l.violations = append(l.violations, fmt.Sprintf("chat %d was called %v too early", chatID, until.Sub(now)))
		l.until[chatID] = until.Add(time.Second)
		return seconds(l.until[chatID].Sub(now))
	}
	for _, id := range []int64{0, chatID} {
		recent := l.sent[id]
		for len(recent) > 0 && now.Sub(recent[0]) > time.Minute {
			recent = recent[1:]
		}
		l.sent[id] = recent
	}
	wait := time.Duration(0)
	if chatID < 0 {
		if sent := l.sent[chatID]; len(sent) >= groupMost {
			wait = time.Minute - now.Sub(sent[len(sent)-groupMost])
		}
	} else if n := level(l.sent[chatID], now); n > chatBurst-1 {
		wait = time.Duration((n - chatBurst + 1) * float64(time.Second))
	}
	if sent := l.sent[0]; len(sent) >= allMost && now.Sub(sent[len(sent)-allMost]) < time.Second {
		wait = max(wait, time.Second)
	}
	if wait > 0 {
		l.hold(chatID, now, seconds(wait))
		return seconds(wait)
	}
	for _, id := range []int64{0, chatID} {
		l.sent[id] = append(l.sent[id], now)
	}
	return 0
}

// level is how full a bucket is that loses one message a second.
func level(sent []time.Time, now time.Time) float64 {
	n, last := 0.0, time.Time{}
	for _, at := range sent {
		n = max(0, n-at.Sub(last).Seconds()) + 1
		last = at
	}
	return max(0, n-now.Sub(last).Seconds())
}

func (l *limits) hold(chatID int64, now time.Time, retryAfter int) {
	l.until[chatID] = now.Add(time.Duration(retryAfter) * time.Second)
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
