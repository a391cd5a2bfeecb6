// Package service puts the web server together: the API, the live hub and the
// page.
package service

import (
	"context"
	"fmt"
	"net"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/web-server/api"
	"github.com/waymark-gps/waymark/web-server/auth"
	"github.com/waymark-gps/waymark/web-server/ui"
)

// Admin is the first administrator.
type Admin struct {
	Email    string `koanf:"email" desc:"e-mail of an administrator to create at start; empty: the first person who registers becomes it"`
	Password string `koanf:"password" desc:"password of that administrator" secret:"true"`
}

// Validate checks that both are there or none.
func (a Admin) Validate() error {
	if (a.Email == "") != (a.Password == "") {
		return fmt.Errorf("email and password-file belong together: set both or none: %w", data.ErrInvalid)
	}
	return nil
}

// Service is a web server that is ready to run.
type Service struct {
	listener net.Listener
	server   *api.Server
}

// New opens the port; Run serves it.
func New(ctx context.Context, cfg api.Config, admin Admin, p *program.Parts) (*Service, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the web port: %w; set web.listen if another program uses it", err)
	}
	s := &Service{listener: l}
	if admin.Email != "" {
		if err := auth.EnsureAdministrator(ctx, p.Store, admin.Email, admin.Password); err != nil {
			l.Close()
			return nil, fmt.Errorf("create the administrator (admin.email, admin.password-file): %w", err)
		}
	}
	s.server, err = api.New(cfg, api.Deps{
		Store: p.Store, Bus: p.Bus, Log: p.Log, Now: p.Now, Metrics: p.Metrics,
		UI: ui.Handler(), ContentSecurityPolicy: ui.CSP,
		Health: p.Health.Probes(), BotUsername: p.Bus.BotName,
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}

// Addr is where the page is.
func (s *Service) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.server.Run(ctx, s.listener) }
