// Package service puts the Telegram bot together.
package service

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/waymark-gps/waymark/tgram-bot/bot"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/program"
)

// leadName is what the bots of an installation agree under: Telegram hands its
// messages to one reader.
const leadName = "tgram-bot"

// Service is a bot that is ready to run, or one that is off.
type Service struct {
	bot     *bot.Bot // nil when off
	bus     *bus.Bus
	log     *slog.Logger
	leading atomic.Bool
}

// New makes the bot. Without a token it is off, and says so.
func New(cfg bot.Config, p *program.Parts) (*Service, error) {
	s := &Service{bus: p.Bus, log: p.Log}
	if !cfg.Enabled() {
		return s, nil
	}
	var err error
	s.bot, err = bot.New(cfg, bot.Deps{Store: p.Store, Log: p.Log, Now: p.Now, Metrics: p.Metrics})
	return s, err
}

// Health is the bot's readiness; a bot that is off, or waits for its turn, is
// ready.
func (s *Service) Health(context.Context) error {
	if !s.leading.Load() {
		return nil
	}
	return s.bot.Health()
}

// Run works until ctx ends. Of several bots on one bus one is active; the
// others wait to take its place.
func (s *Service) Run(ctx context.Context) error {
	if s.bot == nil {
		s.log.Info("the Telegram bot is off: set bot.token-file (or bot.token) to switch it on")
		<-ctx.Done()
		return nil
	}
	return s.bus.Lead(ctx, leadName, s.lead)
}

// lead is the active bot. It alone says what it is called.
func (s *Service) lead(ctx context.Context) error {
	s.leading.Store(true)
	defer s.leading.Store(false)
	silent, err := s.bus.AnswerBotName(s.bot.Username)
	if err != nil {
		return err
	}
	defer silent()
	return s.bot.Run(ctx)
}
