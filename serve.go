package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/tgram-bot/bot"
	botservice "github.com/waymark-gps/waymark/tgram-bot/service"
	trackerservice "github.com/waymark-gps/waymark/tracker/service"
	"github.com/waymark-gps/waymark/tracker/tracking"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/logging"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/memory"
	"github.com/waymark-gps/waymark/util/notify"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/util/rungroup"
	"github.com/waymark-gps/waymark/web-server/api"
	webservice "github.com/waymark-gps/waymark/web-server/service"
)

// settings are those of everything in one process.
type settings struct {
	DataDir string                `koanf:"data-dir" desc:"folder of everything Waymark keeps"`
	Web     api.Config            `koanf:"web"`
	Tracker tracking.Config       `koanf:"tracker"`
	Bot     bot.Config            `koanf:"bot"`
	Admin   webservice.Admin      `koanf:"admin"`
	Mail    mail.Config           `koanf:"mail"`
	Notify  notify.Config         `koanf:"notify"`
	Bus     bus.Config            `koanf:"bus"`
	Storage program.StorageConfig `koanf:"storage"`
	Log     logging.Config        `koanf:"log"`
	Ops     program.OpsConfig     `koanf:"ops"`
}

// server is waymark serve.
type server struct {
	settings
	demo bool
	out  io.Writer // what people read
}

func newServer() *server {
	core := program.DefaultCore()
	return &server{out: os.Stdout, settings: settings{
		DataDir: core.DataDir, Web: api.DefaultConfig(), Tracker: tracking.DefaultConfig(), Bot: bot.DefaultConfig(),
		Mail: mail.DefaultConfig(), Notify: notify.DefaultConfig(), Bus: core.Bus, Storage: core.Storage, Log: core.Log,
	}}
}

func (s *server) program() program.Service {
	return program.Service{
		Name: "serve", Short: "Run the tracker, the web server and the Telegram bot in this process",
		Settings: &s.settings,
		Log:      func() logging.Config { return s.Log },
		Listen:   func() string { return s.Web.Listen },
		Flags: func(c *cobra.Command) {
			c.Flags().BoolVar(&s.demo, "demo", false, "add simulated devices and a login for this machine; data goes to a folder of its own")
		},
		Prepare: func() {
			if s.demo {
				s.demoDefaults()
			}
		},
		Run: s.run,
	}
}

// run opens everything before anything is served, so that a port in use or a
// folder that cannot be written ends the start as a whole.
func (s *server) run(ctx context.Context, log *slog.Logger) error {
	ops, err := s.Ops.Open()
	if err != nil {
		return err
	}
	defer ops.Close()
	p, err := program.Open(ctx, program.Core{DataDir: s.DataDir, Bus: s.Bus, Storage: s.Storage}, log)
	if err != nil {
		return err
	}
	defer p.Close()
	login, err := s.demoAccount(ctx, p)
	if err != nil {
		return err
	}
	web, err := webservice.New(ctx, webservice.Settings{Web: s.Web, Admin: s.Admin, Mail: s.Mail, Notify: s.Notify, DataDir: s.DataDir, StorageURL: s.Storage.URL}, p)
	if err != nil {
		return err
	}
	tracker, err := trackerservice.New(ctx, s.Tracker, p)
	if err != nil {
		return err
	}
	telegram, err := botservice.New(s.Bot, p)
	if err != nil {
		return err
	}

	var group rungroup.Group
	behind := group.Layer()
	behind.Go("operations", ops.Serve(p.Health))
	behind.Go("memory", memory.Run)
	behind.Go("statistics", p.Count)
	services := group.Layer()
	services.Go("tracker", tracker.Run)
	services.Go("web-server", web.Run)
	services.Go("tgram-bot", telegram.Run)
	top := group.Layer()
	top.Go("readiness", p.Health.LameDuck(0))
	if s.demo {
		top.Go("demo", s.drive(tracker.Addresses(), p))
	}
	s.welcome(web.Addr(), tracker.Addresses(), login)
	return group.Run(ctx)
}

// maxPortsShown is how many ports are all listed at the start; of more only
// those of the protocols that most people look for.
const maxPortsShown = 8

var portsShown = []string{"gt06", "h02", "osmand", "teltonika"}

// welcome tells people where everything is.
func (s *server) welcome(web net.Addr, trackers []tracking.Address, login string) {
	fmt.Fprintf(s.out, "\nWaymark is running. Open http://%s\n", reachable(web))
	if login != "" {
		fmt.Fprintf(s.out, "Sign in with %s\n", login)
	}
	var ports []string
	for _, a := range trackers {
		if len(trackers) > maxPortsShown && !slices.Contains(portsShown, a.Protocol) {
			continue
		}
		_, port, _ := net.SplitHostPort(a.Addr.String())
		ports = append(ports, fmt.Sprintf("%s %s/%s", a.Protocol, port, a.Transport))
	}
	fmt.Fprint(s.out, "Devices connect to ", strings.Join(ports, ", "))
	if more := len(trackers) - len(ports); more > 0 {
		fmt.Fprintf(s.out, " and %d more ports (docs/connect.md)", more)
	}
	fmt.Fprintf(s.out, "\nData is in %s. Ctrl-C ends it.\n\n", s.DataDir)
}

// reachable is how a browser on this machine reaches an address.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
