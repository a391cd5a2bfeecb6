package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	// maxPositions bounds an answer. Who needs more asks again from the last
	// fixTime.
	maxPositions = 50_000
	// streamChunk is how much of a list is gathered before it is sent, in bytes;
	// chunkTimeout is how long the client may take to read that much.
	streamChunk  = 64 << 10
	chunkTimeout = 30 * time.Second
)

// getPositions answers
//   - without parameters: the latest position of every device,
//   - ?id=…&id=…: these positions,
//   - ?deviceId: the latest position of the device,
//   - ?deviceId&from&to: its positions of that time, by fixTime.
func (s *Server) getPositions(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	ask, err := parsePositionQuery(q)
	if err != nil {
		return err
	}
	v, err := s.viewer(r)
	if err != nil {
		return err
	}
	switch {
	case ask.ids != nil:
		return s.positionsByID(w, r, &v, ask.ids)
	case ask.deviceID == 0:
		return s.latestPositions(w, r, v.DeviceIDs())
	case !v.CanSee(ask.deviceID):
		return errNoSuchObject
	}
	if _, err := s.deps.Store.Device(r.Context(), ask.deviceID); err != nil {
		return hidden(err)
	}
	if ask.from.IsZero() {
		return s.latestPositions(w, r, []int64{ask.deviceID})
	}
	out := newPositionStream(w)
	err = s.deps.Store.PositionsBetween(r.Context(), ask.deviceID, ask.from, ask.to, maxPositions, out.add)
	return out.finish(err)
}

// positionQuery is what a request for positions asks for.
type positionQuery struct {
	ids      []int64
	deviceID int64
	// from and to are both set or both zero.
	from, to time.Time
}

func parsePositionQuery(q query) (ask positionQuery, err error) {
	if ask.ids, err = q.ids("id"); err != nil {
		return ask, err
	}
	if ask.deviceID, err = q.number("deviceId"); err != nil {
		return ask, err
	}
	var hasFrom, hasTo bool
	if ask.from, hasFrom, err = q.time("from"); err != nil {
		return ask, err
	}
	if ask.to, hasTo, err = q.time("to"); err != nil {
		return ask, err
	}
	switch {
	case hasFrom != hasTo:
		return ask, invalid("give both from and to")
	case hasFrom && ask.deviceID == 0 && ask.ids == nil:
		return ask, invalid("from and to need a deviceId")
	case hasFrom && ask.to.Before(ask.from):
		return ask, invalid("to is before from")
	case hasFrom && ask.from.IsZero():
		return ask, invalid("from is too long ago")
	}
	return ask, nil
}

func (s *Server) positionsByID(w http.ResponseWriter, r *http.Request, v *auth.Viewer, ids []int64) error {
	found, err := s.deps.Store.PositionsByID(r.Context(), ids)
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	found = slices.DeleteFunc(found, func(p data.Position) bool { return !v.CanSee(p.DeviceID) })
	return writePositions(w, found)
}

func (s *Server) latestPositions(w http.ResponseWriter, r *http.Request, deviceIDs []int64) error {
	found, err := s.deps.Store.LatestPositions(r.Context(), deviceIDs)
	if err != nil {
		return fmt.Errorf("read latest positions: %w", err)
	}
	return writePositions(w, found)
}

func writePositions(w http.ResponseWriter, positions []data.Position) error {
	out := newPositionStream(w)
	for i := range positions {
		if err := out.add(&positions[i]); err != nil {
			return out.finish(err)
		}
	}
	return out.finish(nil)
}

// positionStream writes a list of any length in bounded memory.
type positionStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buf     []byte
	// started says that a part is on its way, so that the status cannot change.
	started bool
	empty   bool
}

func newPositionStream(w http.ResponseWriter) *positionStream {
	return &positionStream{w: w, control: http.NewResponseController(w), buf: []byte{'['}, empty: true}
}

func (s *positionStream) add(p *data.Position) error {
	if !s.empty {
		s.buf = append(s.buf, ',')
	}
	s.empty = false
	s.buf = p.AppendJSON(s.buf)
	if len(s.buf) < streamChunk {
		return nil
	}
	return s.send()
}

var errClientGone = errors.New("the client does not read")

func (s *positionStream) send() error {
	if !s.started {
		s.w.Header().Set("Content-Type", "application/json")
		s.started = true
	}
	// Writers in tests have no deadline to move.
	if err := s.control.SetWriteDeadline(time.Now().Add(chunkTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	s.buf = s.buf[:0]
	return nil
}

// finish ends the list. An error that comes after a part was sent cuts the
// connection, so that half a list is not taken for a whole one.
func (s *positionStream) finish(err error) error {
	if err == nil {
		s.buf = append(s.buf, ']')
		err = s.send()
	}
	switch {
	case err == nil:
		return nil
	case s.started || errors.Is(err, errClientGone) || errors.Is(err, context.Canceled):
		panic(http.ErrAbortHandler)
	}
	return fmt.Errorf("read positions: %w", err)
}
