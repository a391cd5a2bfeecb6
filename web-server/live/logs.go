package live

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// maxLogs bounds the log lines that wait for one socket; of more the oldest are
// dropped.
const maxLogs = 256

// wish is what a client can ask of its socket.
type wish struct {
	// Logs switches the raw messages of its devices on and off; DeviceIDs narrows
	// them down to some.
	Logs      *bool   `json:"logs"`
	DeviceIDs []int64 `json:"deviceIds"`
}

// logWatch is the wish for logs: of the devices, or of all if there are none.
type logWatch struct{ only map[int64]bool }

// logInterest is what this process told the trackers about who watches.
type logInterest struct {
	mu   sync.Mutex
	last data.LogInterest
	said time.Time // zero: nobody watches
}

// heed takes what a client said. Anything but a wish needs no answer.
func (h *Hub) heed(s *socket, message []byte) {
	var w wish
	if s.open != nil || json.Unmarshal(message, &w) != nil || w.Logs == nil || len(w.DeviceIDs) > data.MaxLogDevices {
		return
	}
	s.mu.Lock()
	s.logs = nil
	if *w.Logs {
		s.logs = &logWatch{}
		if w.DeviceIDs != nil {
			s.logs.only = map[int64]bool{}
			for _, id := range w.DeviceIDs {
				s.logs.only[id] = true
			}
		}
	}
	s.next.logs = nil
	s.mu.Unlock()
	h.announceLogs(true)
}

// announceLogs tells the trackers what is watched: when it has changed, and
// again from time to time, for they forget it.
func (h *Hub) announceLogs(maybeFirst bool) {
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	if h.logs.said.IsZero() && !maybeFirst {
		return
	}
	now, want := h.now(), h.wantedLogs()
	wanted := want.All || len(want.DeviceIDs) > 0
	same := want.All == h.logs.last.All && slices.Equal(want.DeviceIDs, h.logs.last.DeviceIDs)
	if same && (!wanted || now.Sub(h.logs.said) < data.LogInterestEvery) {
		return
	}
	if err := h.bus.PublishLogInterest(want); err != nil {
		h.log.Warn("ask for logs", "err", err)
		return // the next tick tries again
	}
	h.logs.last, h.logs.said = want, now
	if !wanted {
		h.logs.said = time.Time{}
	}
}

// wantedLogs puts together what the sockets watch and may see.
func (h *Hub) wantedLogs() data.LogInterest {
	out := data.LogInterest{Watcher: h.watcher}
	ids := map[int64]bool{}
	for _, s := range h.open() {
		s.mu.Lock()
		switch {
		case s.logs == nil || s.ended:
		case s.logs.only == nil && s.viewer.AllDevices():
			out.All = true
		case s.logs.only == nil:
			for _, id := range s.viewer.DeviceIDs() {
				ids[id] = true
			}
		default:
			for id := range s.logs.only {
				if s.viewer.CanSee(id) {
					ids[id] = true
				}
			}
		}
		s.mu.Unlock()
	}
	if len(ids) > data.MaxLogDevices {
		out.All = true
	}
	if !out.All && len(ids) > 0 {
		out.DeviceIDs = slices.Sorted(maps.Keys(ids))
	}
	return out
}

// onLogs takes raw messages from the bus.
func (h *Hub) onLogs(batch data.LogBatch) {
	sockets := h.open()
	for i := range batch.Lines {
		l := &batch.Lines[i]
		var line []byte
		for _, s := range sockets {
			if !s.watches(l.DeviceID) {
				continue
			}
			if line == nil {
				line = appendLogLine(nil, l)
			}
			s.offerLog(event{l.DeviceID, line})
		}
	}
}

// watches tells whether the socket wants the messages of a device and may see
// them; those of strangers, 0, only administrators may.
func (s *socket) watches(deviceID int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watchesLocked(deviceID)
}

func (s *socket) watchesLocked(deviceID int64) bool {
	return !s.ended && s.logs != nil && (s.logs.only == nil || s.logs.only[deviceID]) && s.viewer.CanSee(deviceID)
}

// offerLog adds a line to what waits. It never blocks.
func (s *socket) offerLog(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.watchesLocked(e.deviceID) {
		return
	}
	if n := len(s.next.logs); n >= maxLogs {
		s.next.logs = append(s.next.logs[:0], s.next.logs[n-maxLogs+1:]...)
	}
	s.next.logs = append(s.next.logs, e)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// appendLogLine appends a line as JSON. The first five keys are those that
// clients know; deviceId is absent for strangers.
func appendLogLine(b []byte, l *data.LogLine) []byte {
	b = append(b, '{')
	if l.DeviceID != 0 {
		b = append(b, `"deviceId":`...)
		b = append(strconv.AppendInt(b, l.DeviceID, 10), ',')
	}
	b = append(b, `"uniqueId":`...)
	b = data.AppendJSONString(b, l.UniqueID)
	b = append(b, `,"host":`...)
	b = data.AppendJSONString(b, l.Host)
	b = append(b, `,"protocol":`...)
	b = data.AppendJSONString(b, l.Protocol)
	b = append(b, `,"data":"`...)
	b = hex.AppendEncode(b, l.Data)
	b = append(b, `","direction":"`...)
	if l.Sent {
		b = append(b, "out"...)
	} else {
		b = append(b, "in"...)
	}
	b = append(b, `","time":`...)
	b = data.AppendJSONTime(b, l.Time)
	b = append(b, `,"summary":`...)
	b = data.AppendJSONString(b, l.Summary)
	return append(b, '}')
}
