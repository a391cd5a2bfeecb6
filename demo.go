package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/simulator"
	"github.com/waymark-gps/waymark/tracker/tracking"
	"github.com/waymark-gps/waymark/util/program"
	webservice "github.com/waymark-gps/waymark/web-server/service"
)

// The login of the demo. It is known to everybody, so it exists only while the
// page can be reached from this machine alone.
const (
	demoEmail    = "demo@waymark.example"
	demoPassword = "waymark-demo"
)

// demoDefaults are the defaults of a demo: a folder of its own, this machine
// only, and every device welcome. Settings still override them.
func (s *server) demoDefaults() {
	s.DataDir += "-demo"
	s.Web.Listen = "127.0.0.1:8082"
	s.Tracker.Host = "127.0.0.1"
	s.Tracker.RegisterUnknown = true
}

// demoAccount makes the demo's login and returns how to sign in; or it takes
// the login away, when this is no demo or others can reach the page.
func (s *server) demoAccount(ctx context.Context, p *program.Parts) (login string, err error) {
	if s.demo && onLoopback(s.Web.Listen) && s.Admin.Email == "" {
		s.Admin = webservice.Admin{Email: demoEmail, Password: demoPassword}
		return demoEmail + " / " + demoPassword, nil
	}
	u, err := p.Store.UserByEmail(ctx, demoEmail)
	if errors.Is(err, data.ErrNotFound) {
		return "", nil
	}
	if err == nil {
		p.Log.Warn("the demo login is removed: its password is known to everybody", "account", demoEmail)
		err = p.Store.DeleteUser(ctx, u.ID)
	}
	if err != nil {
		return "", fmt.Errorf("remove the demo login: %w", err)
	}
	return "", nil
}

func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// drive names the demo's devices and lets them drive.
func (s *server) drive(trackers []tracking.Address, p *program.Parts) program.Run {
	targets := map[string]string{}
	for _, a := range trackers {
		host, port, err := net.SplitHostPort(a.Addr.String())
		if err != nil || targets[a.Protocol] != "" {
			continue
		}
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		targets[a.Protocol] = net.JoinHostPort(host, port)
	}
	return func(ctx context.Context) error {
		for _, d := range simulator.DemoDevices() {
			err := p.Store.CreateDevice(ctx, &d)
			if err != nil && !errors.Is(err, data.ErrConflict) {
				return fmt.Errorf("register the demo's devices: %w", err)
			}
			if err == nil {
				err = p.Bus.PublishDevice(data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID})
			}
			if err != nil && !errors.Is(err, data.ErrConflict) {
				return fmt.Errorf("register the demo's devices: %w", err)
			}
		}
		return simulator.Demo(ctx, targets, p.Log)
	}
}
