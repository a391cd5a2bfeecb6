// Package service puts the Telegram bot together.
package service

import (
	"context"

	"github.com/waymark-gps/waymark/tgram-bot/bot"
	"github.com/waymark-gps/waymark/util/program"
)

// Service is a bot that is ready to run, or one that is off.
type Service struct {
	bot    *bot.Bot // nil when off
	silent func()
	log    func(string)
}

// New makes the bot. Without a token it is off, and says so.
func New(cfg bot.Config, p *program.Parts) (*Service, error) {
	s := &Service{silent: func() {}, log: func(m string) { p.Log.Info(m) }}
	if !cfg.Enabled() {
		return s, nil
	}
	var err error
	s.bot, err = bot.New(cfg, bot.Deps{Store: p.Store, Log: p.Log, Now: p.Now, Metrics: p.Metrics})
	if err != nil {
		return nil, err
	}
	if s.silent, err = p.Bus.AnswerBotName(s.bot.Username); err != nil {
		return nil, err
	}
	return s, nil
}

// Health is the bot's readiness; a bot that is off is ready.
func (s *Service) Health(context.Context) error {
	if s.bot == nil {
		return nil
	}
	return s.bot.Health()
}

// Run works until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.silent()
	if s.bot == nil {
		s.log("the Telegram bot is off: set bot.token-file (or bot.token) to switch it on")
		<-ctx.Done()
		return nil
	}
	return s.bot.Run(ctx)
}
