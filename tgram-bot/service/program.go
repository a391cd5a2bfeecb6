package service

import (
	"context"
	"log/slog"

	"github.com/waymark-gps/waymark/tgram-bot/bot"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/logging"
	"github.com/waymark-gps/waymark/util/program"
)

// settings are the bot's when it runs alone.
type settings struct {
	DataDir string                `koanf:"data-dir" desc:"folder of the database, if storage.url is empty"`
	Bot     bot.Config            `koanf:"bot"`
	Bus     bus.Config            `koanf:"bus"`
	Storage program.StorageConfig `koanf:"storage"`
	Log     logging.Config        `koanf:"log"`
	Ops     program.OpsConfig     `koanf:"ops"`
}

// Program is the bot as a program of its own.
func Program() program.Service {
	core := program.DefaultCore()
	s := &settings{DataDir: core.DataDir, Bot: bot.DefaultConfig(), Bus: core.Bus, Storage: core.Storage, Log: core.Log, Ops: program.OpsConfig{Listen: ":8083"}}
	return program.Service{
		Name: "tgram-bot", Short: "The Telegram bot",
		Settings: s, Others: []string{"tracker", "web", "admin", "mail", "notify"},
		Log:    func() logging.Config { return s.Log },
		Listen: func() string { return s.Ops.Listen },
		Run: func(ctx context.Context, log *slog.Logger) error {
			core := program.Core{DataDir: s.DataDir, Bus: s.Bus, Storage: s.Storage, Ops: s.Ops}
			return program.RunAlone(ctx, core, log, func(p *program.Parts) (program.Run, error) {
				b, err := New(s.Bot, p)
				if err != nil {
					return nil, err
				}
				return b.Run, nil
			})
		},
	}
}
