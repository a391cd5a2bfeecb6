// Package service puts the web server together: the API, the live hub and the
// page.
package service

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
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

// Settings are what a Service is made of.
type Settings struct {
	Web   api.Config
	Admin Admin
	Mail  mail.Config
	// DataDir is where certificates of an ACME authority are kept.
	DataDir string
}

// Service is a web server that is ready to run.
type Service struct {
	ports  *ports
	server *api.Server
}

// New opens the port; Run serves it.
func New(ctx context.Context, settings Settings, p *program.Parts) (*Service, error) {
	l, err := openPorts(settings.Web, settings.DataDir, p.Log)
	if err != nil {
		return nil, err
	}
	s := &Service{ports: l}
	admin := settings.Admin
	if admin.Email != "" {
		if err := auth.EnsureAdministrator(ctx, p.Store, admin.Email, admin.Password); err != nil {
			l.Close()
			return nil, fmt.Errorf("create the administrator (admin.email, admin.password-file): %w", err)
		}
	}
	sender, err := mail.New(settings.Mail)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	deps := api.Deps{
		Store: p.Store, Bus: p.Bus, Log: p.Log, Now: p.Now, Metrics: p.Metrics,
		UI: ui.Handler(), ContentSecurityPolicy: ui.CSP,
		Health: p.Health.Probes(), BotUsername: p.Bus.BotName,
	}
	if sender != nil { // not an interface that holds nil
		deps.Mail = sender
	}
	s.server, err = api.New(settings.Web, deps)
	if err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}

// Addr is where the page is.
func (s *Service) Addr() net.Addr { return s.ports.web.Addr() }

// Run serves until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.server.Run(ctx, s.ports.web) })
	g.Go(func() error { return s.ports.redirect(ctx) })
	return g.Wait()
}
