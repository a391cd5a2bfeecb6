package service

import (
	"context"
	"log/slog"

	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/logging"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/notify"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/web-server/api"
)

// settings are the web server's when it runs alone.
type settings struct {
	DataDir string                `koanf:"data-dir" desc:"folder of certificates, of the files of jobs, and of the database if storage.url is empty"`
	Web     api.Config            `koanf:"web"`
	Admin   Admin                 `koanf:"admin"`
	Mail    mail.Config           `koanf:"mail"`
	Notify  notify.Config         `koanf:"notify"`
	Bus     bus.Config            `koanf:"bus"`
	Storage program.StorageConfig `koanf:"storage"`
	Log     logging.Config        `koanf:"log"`
	Ops     program.OpsConfig     `koanf:"ops"`
}

// Program is the web server as a program of its own.
func Program() program.Service {
	core := program.DefaultCore()
	s := &settings{DataDir: core.DataDir, Web: api.DefaultConfig(), Mail: mail.DefaultConfig(), Notify: notify.DefaultConfig(), Bus: core.Bus, Storage: core.Storage, Log: core.Log}
	return program.Service{
		Name: "web-server", Short: "The page, the API and the live updates",
		Settings: s, Others: []string{"tracker", "bot"},
		Log:    func() logging.Config { return s.Log },
		Listen: func() string { return s.Web.Listen },
		Run: func(ctx context.Context, log *slog.Logger) error {
			core := program.Core{DataDir: s.DataDir, Bus: s.Bus, Storage: s.Storage, Ops: s.Ops}
			return program.RunAlone(ctx, core, log, func(p *program.Parts) (program.Run, error) {
				w, err := New(ctx, Settings{Web: s.Web, Admin: s.Admin, Mail: s.Mail, Notify: s.Notify, DataDir: s.DataDir, StorageURL: s.Storage.URL}, p)
				if err != nil {
					return nil, err
				}
				log.Info("listening", "address", w.Addr().String())
				return w.Run, nil
			})
		},
	}
}
