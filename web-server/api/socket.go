package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// getSocket opens the live channel. A page of another site, which the browser
// names in Origin, is refused: cookies alone do not prove who asks.
func (s *Server) getSocket(w http.ResponseWriter, r *http.Request) error {
	id := identityOf(r)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		s.deps.Log.Debug("refuse socket", "request", requestID(r.Context()), "err", err)
		return nil // Accept has answered
	}
	// A socket lives long. What the way here took of memory goes when we return.
	log := s.requestLog(r)
	go s.serveSocket(conn, id, log)
	return nil
}

// serveSocket serves a socket until it ends; the hub waits for it. A bug ends
// this socket and nothing else.
func (s *Server) serveSocket(conn *websocket.Conn, id identity, log *slog.Logger) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic in a socket", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			_ = conn.CloseNow()
		}
	}()
	if err := s.serveLive(context.Background(), conn, id); err != nil {
		log.Debug("socket ended", "err", err)
	}
}

// socketAccess asks again whether a socket's credentials still hold, and what
// they let it see.
func (s *Server) socketAccess(id identity) func(context.Context) (access.Viewer, error) {
	return func(ctx context.Context) (access.Viewer, error) {
		u, err := s.credentialsHold(ctx, id)
		if err != nil {
			return access.Viewer{}, err
		}
		return s.access.Viewer(ctx, u)
	}
}

func (s *Server) credentialsHold(ctx context.Context, id identity) (data.User, error) {
	if id.bySession {
		res, err := s.auth.Resume(ctx, id.session)
		return res.User, err
	}
	if id.token.ID != 0 {
		if _, err := s.deps.Store.Token(ctx, id.token.ID, s.deps.Now()); errors.Is(err, data.ErrNotFound) {
			return data.User{}, auth.ErrUnauthenticated
		} else if err != nil {
			return data.User{}, fmt.Errorf("read token of socket: %w", err)
		}
	}
	u, err := s.deps.Store.User(ctx, id.user.ID)
	switch {
	case errors.Is(err, data.ErrNotFound):
		return u, auth.ErrUnauthenticated
	case err != nil:
		return u, fmt.Errorf("read user of socket: %w", err)
	case !u.Active(s.deps.Now()) || id.token.ID == 0 && u.PasswordHash != id.user.PasswordHash:
		return u, auth.ErrUnauthenticated
	}
	return u, nil
}
