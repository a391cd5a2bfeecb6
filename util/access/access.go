package access

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// life is how long what an account sees is believed without asking again: the
	// bus may lose a message.
	life = time.Minute
	// maxIDs bounds the ids held for all accounts: 8 bytes each and a few bits.
	maxIDs = 4 << 20
)

// Service answers who may see what, from memory where it can.
type Service struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	viewers map[int64]entry
	size    int
	server  data.Server
	// serverUntil is until when server is believed.
	serverUntil time.Time
	// changes counts Changed: what was loaded before one is not kept.
	changes uint64
}

type entry struct {
	*grants
	until time.Time
}

// New makes a Service.
func New(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, viewers: make(map[int64]entry)}
}

// Viewer says what a user may see and do.
func (s *Service) Viewer(ctx context.Context, u data.User) (Viewer, error) {
	v := Viewer{User: u}
	if u.Administrator || u.ID == 0 {
		return v, nil
	}
	now := s.now()
	s.mu.Lock()
	server, known := s.server, now.Before(s.serverUntil)
	have, held := s.viewers[u.ID]
	began := s.changes
	s.mu.Unlock()
	var err error
	if !known {
		if server, err = s.store.Server(ctx); err != nil {
			return Viewer{}, fmt.Errorf("read server settings: %w", err)
		}
	}
	if !held || !now.Before(have.until) {
		have.until = now.Add(life)
		if have.grants, err = load(ctx, s.store, u.ID); err != nil {
			return Viewer{}, err
		}
	}
	s.keep(u.ID, server, have, began)
	v.server, v.grants = server, have.grants
	return v, nil
}

// keep holds on to what was read, unless something has changed meanwhile.
func (s *Service) keep(userID int64, server data.Server, e entry, began uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes != began {
		return
	}
	if now := s.now(); !now.Before(s.serverUntil) {
		s.server, s.serverUntil = server, now.Add(life)
	}
	s.drop(userID)
	if s.size+e.size > maxIDs {
		clear(s.viewers) // rare, and costs each account one question
		s.size = 0
	}
	s.viewers[userID] = e
	s.size += e.size
}

// drop forgets an account. The caller holds s.mu.
func (s *Service) drop(userID int64) {
	if e, ok := s.viewers[userID]; ok {
		s.size -= e.size
		delete(s.viewers, userID)
	}
}

// Changed forgets what a change has made stale. Who writes calls it before
// answering; every process calls it when it hears of the change.
func (s *Service) Changed(c data.AccessChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	if c.All {
		clear(s.viewers)
		s.size, s.serverUntil = 0, time.Time{}
		return
	}
	for _, id := range c.UserIDs {
		s.drop(id)
	}
	if len(c.GroupIDs)+len(c.DeviceIDs) == 0 {
		return
	}
	for id, e := range s.viewers {
		v := Viewer{grants: e.grants}
		if v.Affected(c) {
			s.drop(id)
		}
	}
}

// NewViewer says what a user may see and do, straight from the store.
func NewViewer(ctx context.Context, store Store, u data.User) (Viewer, error) {
	return New(store, time.Now).Viewer(ctx, u)
}
