package service

import (
	"context"
	"log/slog"

	"github.com/waymark-gps/waymark/tracker/tracking"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/logging"
	"github.com/waymark-gps/waymark/util/program"
)

// settings are the tracker's when it runs alone.
type settings struct {
	DataDir string                `koanf:"data-dir" desc:"folder of the database, if storage.url is empty"`
	Tracker tracking.Config       `koanf:"tracker"`
	Bus     bus.Config            `koanf:"bus"`
	Storage program.StorageConfig `koanf:"storage"`
	Log     logging.Config        `koanf:"log"`
	Ops     program.OpsConfig     `koanf:"ops"`
}

// Program is the tracker as a program of its own.
func Program() program.Service {
	core := program.DefaultCore()
	s := &settings{DataDir: core.DataDir, Tracker: tracking.DefaultConfig(), Bus: core.Bus, Storage: core.Storage, Log: core.Log, Ops: program.OpsConfig{Listen: ":8084"}}
	return program.Service{
		Name: "tracker", Short: "The service that devices talk to: decodes positions, makes them durable, stores them",
		Settings: s, Others: []string{"web", "bot", "admin", "mail", "notify"},
		Log:    func() logging.Config { return s.Log },
		Listen: func() string { return s.Ops.Listen },
		Run: func(ctx context.Context, log *slog.Logger) error {
			core := program.Core{DataDir: s.DataDir, Bus: s.Bus, Storage: s.Storage, Ops: s.Ops}
			return program.RunAlone(ctx, core, log, func(p *program.Parts) (program.Run, error) {
				t, err := New(ctx, s.Tracker, p)
				if err != nil {
					return nil, err
				}
				for _, a := range t.Addresses() {
					log.Info("listening", "protocol", a.Protocol, "transport", a.Transport.String(), "address", a.Addr.String())
				}
				return t.Run, nil
			})
		},
	}
}
