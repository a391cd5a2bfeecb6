package live

import (
	"context"
	"fmt"

	"github.com/coder/websocket"
)

// pending is what waits to be sent: as JSON by device id, and events in order.
type pending struct {
	positions, states map[int64][]byte
	events, logs      []event
}

func newPending() pending {
	return pending{positions: make(map[int64][]byte), states: make(map[int64][]byte)}
}

// reset empties p for reuse. A map that was large once costs its size at every
// use, so it is not kept.
func (p *pending) reset() {
	if len(p.positions)+len(p.states) > keepObjects {
		*p = newPending()
		return
	}
	clear(p.positions)
	clear(p.states)
	clear(p.events)
	p.events = p.events[:0]
	clear(p.logs)
	p.logs = p.logs[:0]
}

// flush sends what waits. The first message is sent even if it is empty.
func (h *Hub) flush(ctx context.Context, s *socket, first bool) error {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil
	}
	s.next, s.sending = s.sending, s.next
	s.mu.Unlock()
	defer func() {
		s.sending.reset()
		if clear(s.objects[:cap(s.objects)]); cap(s.objects) > keepObjects {
			s.objects = nil
		}
		if cap(s.buf) > keepBuffer {
			s.buf = nil
		}
	}()
	if first { // clients take the first message for the positions
		if err := h.sendList(ctx, s, "positions", s.objectsOf(s.sending.positions), true); err != nil {
			return err
		}
		clear(s.sending.positions)
	}
	if err := h.sendList(ctx, s, "devices", s.objectsOf(s.sending.states), false); err != nil {
		return err
	}
	if err := h.sendList(ctx, s, "positions", s.objectsOf(s.sending.positions), false); err != nil {
		return err
	}
	if err := h.sendList(ctx, s, "events", s.eventsOf(s.sending.events), false); err != nil {
		return err
	}
	return h.sendList(ctx, s, "logs", s.eventsOf(s.sending.logs), false)
}

// eventsOf lists the events of a list, good until the next call.
func (s *socket) eventsOf(list []event) [][]byte {
	s.objects = s.objects[:0]
	for i := range list {
		s.objects = append(s.objects, list[i].json)
	}
	return s.objects
}

// objectsOf lists the values of m, good until the next call.
func (s *socket) objectsOf(m map[int64][]byte) [][]byte {
	s.objects = s.objects[:0]
	for _, object := range m {
		s.objects = append(s.objects, object)
	}
	return s.objects
}

// sendList sends the objects of a list in messages of bounded size.
func (h *Hub) sendList(ctx context.Context, s *socket, name string, objects [][]byte, evenEmpty bool) error {
	if len(objects) == 0 && !evenEmpty {
		return nil
	}
	begin := func() { s.buf = append(append(append(s.buf[:0], `{"`...), name...), `":[`...) }
	begin()
	empty := len(s.buf)
	for _, object := range objects {
		if len(s.buf) > empty && len(s.buf)+len(object) > maxMessage {
			s.buf = append(s.buf, "]}"...)
			if err := h.send(ctx, s, s.buf); err != nil {
				return err
			}
			begin()
		}
		if len(s.buf) > empty {
			s.buf = append(s.buf, ',')
		}
		s.buf = append(s.buf, object...)
	}
	s.buf = append(s.buf, "]}"...)
	return h.send(ctx, s, s.buf)
}

func (h *Hub) send(ctx context.Context, s *socket, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := s.conn.Write(ctx, websocket.MessageText, message)
	if err == nil {
		h.messages.Inc()
		return nil
	}
	if ctx.Err() != nil {
		h.slow.Inc()
	}
	return fmt.Errorf("write to socket: %w", err)
}
