package tracking

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
)

// RawLogBus carries what devices and trackers say to each other to whoever is
// watching.
type RawLogBus interface {
	PublishLogs(data.LogBatch) error
	SubscribeLogInterest(f func(data.LogInterest)) (unsubscribe func(), err error)
}

const (
	// rawQueue bounds the lines that wait to be published; beyond it lines are
	// left out.
	rawQueue = 1024
	// rawBatch bounds the lines of one message, rawWindow is how long they gather.
	rawBatch  = 64
	rawWindow = 50 * time.Millisecond
	// maxWatchers bounds the processes that watch.
	maxWatchers = 64
)

// rawLog publishes the raw messages of devices that somebody watches. While
// nobody does it costs one look at a pointer for each message.
type rawLog struct {
	bus RawLogBus // nil: nobody can watch
	now func() time.Time
	log *slog.Logger

	// interest is what is watched, nil for nothing.
	interest atomic.Pointer[rawInterest]
	lines    chan data.LogLine
	missed   atomic.Int64

	mu       sync.Mutex
	watchers map[string]rawWatcher
}

type rawInterest struct {
	all     bool
	devices map[int64]bool
}

type rawWatcher struct {
	data.LogInterest
	until time.Time
}

func newRawLog(deps Deps) *rawLog {
	return &rawLog{
		bus: deps.RawLog, now: deps.Now, log: deps.Log,
		lines: make(chan data.LogLine, rawQueue), watchers: map[string]rawWatcher{},
	}
}

// watch takes what a process says that it wants.
func (r *rawLog) watch(i data.LogInterest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.watchers[i.Watcher]
	switch {
	case !i.All && len(i.DeviceIDs) == 0:
		delete(r.watchers, i.Watcher)
	case known || len(r.watchers) < maxWatchers:
		r.watchers[i.Watcher] = rawWatcher{i, r.now().Add(data.LogInterestFor)}
	}
	r.settle()
}

// expire forgets those who have not said so again.
func (r *rawLog) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for name, w := range r.watchers {
		if now.After(w.until) {
			delete(r.watchers, name)
		}
	}
	r.settle()
}

// settle puts together what is watched. The caller holds r.mu.
func (r *rawLog) settle() {
	if len(r.watchers) == 0 {
		r.interest.Store(nil)
		return
	}
	next := &rawInterest{devices: map[int64]bool{}}
	for _, w := range r.watchers {
		next.all = next.all || w.All
		for _, id := range w.DeviceIDs {
			next.devices[id] = true
		}
	}
	r.interest.Store(next)
}

// wants tells whether somebody watches a device; 0 is a stranger.
func (r *rawLog) wants(deviceID int64) bool {
	i := r.interest.Load()
	return i != nil && (i.all || deviceID != 0 && i.devices[deviceID])
}

// add takes a line; if the queue is full it is left out.
func (r *rawLog) add(l data.LogLine) {
	l.Data = l.Data[:min(len(l.Data), data.MaxLogData)]
	l.Time = r.now().UTC()
	select {
	case r.lines <- l:
	default:
		r.missed.Add(1)
	}
}

// run publishes lines until ctx ends.
func (r *rawLog) run(ctx context.Context) error {
	if r.bus == nil {
		return nil
	}
	unsubscribe, err := r.bus.SubscribeLogInterest(r.watch)
	if err != nil {
		return err
	}
	defer unsubscribe()
	expire := time.NewTicker(data.LogInterestEvery)
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-expire.C:
			r.expire()
		case l := <-r.lines:
			r.publish(r.gather(ctx, l))
		}
	}
}

// gather waits a moment for more lines.
func (r *rawLog) gather(ctx context.Context, first data.LogLine) []data.LogLine {
	window := time.NewTimer(rawWindow)
	defer window.Stop()
	lines := []data.LogLine{first}
	for len(lines) < rawBatch {
		select {
		case l := <-r.lines:
			lines = append(lines, l)
		case <-window.C:
			return lines
		case <-ctx.Done():
			return lines
		}
	}
	return lines
}

func (r *rawLog) publish(lines []data.LogLine) {
	if missed := r.missed.Swap(0); missed > 0 {
		lines[len(lines)-1].Summary = strings.TrimSpace(fmt.Sprintf("%s (%d lines before this one were left out)", lines[len(lines)-1].Summary, missed))
	}
	if err := r.bus.PublishLogs(data.LogBatch{Lines: lines}); err != nil {
		r.log.Debug("publish raw log", "err", err)
	}
}

// unrecognised logs what a peer sent that nobody understands.
func (r *rawLog) unrecognised(remote net.Addr, first []byte) {
	if r.wants(0) {
		r.add(data.LogLine{Host: remote.String(), Data: masked(first), Summary: "not recognised"})
	}
}

// speaker is the device that a session speaks for.
type speaker struct {
	id       int64
	uniqueID string
}

// speakerOf is the device of a packet; of a packet of several it is nobody: who
// may see one of them may not see the others.
func speakerOf(devices []data.Device, packet *data.Packet) speaker {
	if len(devices) == 0 || len(packet.More) > 0 {
		return speaker{uniqueID: packet.Identity}
	}
	return speaker{devices[0].ID, packet.Identity}
}

// speaker is the device that spoke last.
func (s *session) speaker() speaker {
	if now := s.speaking.Load(); now != nil {
		return *now
	}
	return speaker{}
}

// heard logs a message of a device. why is set if it could not be read or was
// refused.
func (s *session) heard(raw []byte, who speaker, packet *data.Packet, why error) {
	before := s.speaking.Load()
	changed := before == nil || *before != who
	if who != (speaker{}) && (changed || s.voices == 0) {
		s.voices++
	}
	if changed {
		kept := who // so that it is allocated only here
		s.speaking.Store(&kept)
	}
	if !s.t.raw.wants(who.id) {
		return
	}
	s.t.raw.add(data.LogLine{
		DeviceID: who.id, UniqueID: who.uniqueID, Host: s.remote.String(), Protocol: s.protocol.Name,
		Data: covered(&s.protocol, raw), Summary: summary(packet, why),
	})
}

// answered logs the answer to what was heard. One for several devices is shown
// to those alone who may see all.
func (s *session) answered(reply []byte) {
	who := s.speaker()
	if s.voices > 1 {
		who = speaker{}
	}
	s.voices = 0
	s.told(who, reply)
}

// told logs what a device was sent.
func (s *session) told(who speaker, b []byte) {
	if len(b) == 0 || !s.t.raw.wants(who.id) {
		return
	}
	s.t.raw.add(data.LogLine{
		DeviceID: who.id, UniqueID: who.uniqueID, Host: s.remote.String(), Protocol: s.protocol.Name, Sent: true,
		Data: covered(&s.protocol, b),
	})
}

// toldWriter logs what is sent to a device beside the answers: commands.
type toldWriter struct {
	transport.Writer
	session *session
}

func (w toldWriter) Write(b []byte) (int, error) {
	w.session.told(w.session.speaker(), b)
	return w.Writer.Write(b)
}

// asked logs a request of a device and our answer.
func (h *handler) asked(r *protocol.Request, remote string, who speaker, packet *data.Packet, status int, answer []byte, why error) {
	if !h.t.raw.wants(who.id) {
		return
	}
	line := data.LogLine{DeviceID: who.id, UniqueID: who.uniqueID, Host: remote, Protocol: h.protocol.Name}
	sent := line
	line.Data, line.Summary = masked(without(requestText(r), h.proof(r).secrets)), summary(packet, why)
	h.t.raw.add(line)
	sent.Sent, sent.Summary = true, strconv.Itoa(status)+" "+http.StatusText(status)
	sent.Data = masked(answer)
	h.t.raw.add(sent)
}

// requestText is a request without its headers.
func requestText(r *protocol.Request) []byte {
	text := r.Method + " " + r.Path
	if r.Query != "" {
		text += "?" + r.Query
	}
	if len(r.Body) > 0 {
		text += "\n\n" + string(r.Body[:min(len(r.Body), data.MaxLogData)])
	}
	return []byte(text)
}

// without covers secrets wherever they stand.
func without(text []byte, secrets []string) []byte {
	for _, secret := range secrets {
		for _, written := range [...]string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if written != "" {
				text = bytes.ReplaceAll(text, []byte(written), []byte("***"))
			}
		}
	}
	return text
}

// covered is a message with its known secrets under asterisks: a copy.
func covered(p *protocol.Protocol, message []byte) []byte {
	out := append([]byte(nil), message[:min(len(message), data.MaxLogData)]...)
	if p.Mask == nil {
		return out
	}
	from, to := p.Mask(out)
	for i := max(from, 0); i < min(to, len(out)); i++ {
		out[i] = '*'
	}
	return out
}

// summary says in a few words what a packet says. No more than three places are
// named.
func summary(packet *data.Packet, why error) string {
	var parts []string
	if packet != nil {
		if packet.Identity != "" {
			parts = append(parts, "id "+packet.Identity)
		}
		positions := packet.Positions
		if n := len(positions); n > 1 {
			parts = append(parts, strconv.Itoa(n)+" positions")
		}
		for i := range positions[:min(len(positions), 3)] {
			parts = append(parts, place(&positions[i]))
		}
		if len(packet.More) > 0 {
			parts = append(parts, strconv.Itoa(len(packet.More))+" more devices")
		}
	}
	if why != nil {
		parts = append(parts, why.Error())
	}
	return strings.Join(parts, "; ")
}

// place writes when and where a position is, and how fast.
func place(p *data.Position) string {
	at := p.FixTime
	if at.IsZero() {
		at = p.DeviceTime
	}
	when := ""
	if !at.IsZero() {
		when = at.UTC().Format(time.RFC3339) + " "
	}
	if p.Outdated {
		return fmt.Sprintf("%sno place, %d attributes", when, len(p.Attributes))
	}
	return fmt.Sprintf("%s%.6f %.6f %.1f kn", when, p.Latitude, p.Longitude, p.SpeedKnots)
}
