// Package service puts the web server together: the API, the live hub and the
// page.
package service

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/backup"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/notify"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/util/statistics"
	"github.com/waymark-gps/waymark/util/version"
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
	// Notify is how people are told what happened.
	Notify notify.Config
	// DataDir is where certificates of an ACME authority and the files of jobs are
	// kept.
	DataDir string
	// StorageURL is the database, for backups; empty for SQLite in DataDir.
	StorageURL string
}

// backUp writes everything in the store to a file.
func (s *Settings) backUp(p *program.Parts) func(context.Context, string, func()) error {
	place := backup.At(s.StorageURL, s.DataDir)
	return func(ctx context.Context, file string, step func()) error {
		_, err := backup.Create(ctx, place, file, backup.Options{
			Log: p.Log, Version: version.String(), Now: p.Now, Progress: func(string, int64) { step() },
		})
		return err
	}
}

// Service is a web server that is ready to run.
type Service struct {
	ports    *ports
	server   *api.Server
	notifier *notify.Notifier
	bus      *bus.Bus
	// lead runs something in one of the web servers.
	lead func(ctx context.Context, name string, f func(context.Context) error) error
}

// New opens the port; Run serves it.
func New(ctx context.Context, settings Settings, p *program.Parts) (*Service, error) {
	l, err := openPorts(settings.Web, settings.DataDir, p.Log)
	if err != nil {
		return nil, err
	}
	s := &Service{ports: l, bus: p.Bus, lead: p.Bus.Lead}
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
		Store: p.Store, Bus: p.Bus, Log: p.Log, Now: p.Now, Metrics: p.Metrics, Fleet: p.Fleet,
		UI: ui.Handler(), ContentSecurityPolicy: ui.CSP,
		Health: p.Health.Probes(), BotUsername: p.Bus.BotName, Statistics: p.Statistics,
		JobsDir: filepath.Join(settings.DataDir, "jobs"), Backup: settings.backUp(p),
	}
	if sender != nil { // not an interface that holds nil
		deps.Mail = counted{sender, p.Statistics}
	}
	s.notifier, err = notify.New(settings.Notify, notify.Deps{
		Store: p.Store, Bus: p.Bus, Log: p.Log, Now: p.Now, Metrics: p.Metrics, Mail: deps.Mail,
		Telegram: func() bool { return p.Bus.BotName() != "" },
	})
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("set up notifications (notify): %w", err)
	}
	deps.Notifier = s.notifier
	s.server, err = api.New(settings.Web, deps)
	if err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}

// notify tells people what happened, in one of the web servers.
func (s *Service) notify(ctx context.Context) error {
	for _, subscribe := range []func() (func(), error){
		func() (func(), error) { return s.bus.SubscribeEvents(func([]data.Event) { s.notifier.EventsStored() }) },
		func() (func(), error) {
			return s.bus.SubscribeObjects(func(data.ObjectChange) { s.notifier.Changed() })
		},
		func() (func(), error) { return s.bus.SubscribeUsers(func(data.UserChange) { s.notifier.Changed() }) },
	} {
		unsubscribe, err := subscribe()
		if err != nil {
			return err
		}
		defer unsubscribe()
	}
	return s.lead(ctx, "notifier", s.notifier.Run)
}

// counted counts the mails that were sent.
type counted struct {
	*mail.Sender
	statistics *statistics.Counters
}

func (c counted) Send(ctx context.Context, m mail.Message) error {
	err := c.Sender.Send(ctx, m)
	if err == nil {
		c.statistics.Add(data.CountMailSent, 1)
	}
	return err
}

// Addr is where the page is.
func (s *Service) Addr() net.Addr { return s.ports.web.Addr() }

// Run serves until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.server.Run(ctx, s.ports.web) })
	g.Go(func() error { return s.ports.redirect(ctx) })
	g.Go(func() error { return s.lead(ctx, "reports", s.server.Schedule) })
	g.Go(func() error { return s.notify(ctx) })
	return g.Wait()
}
