// Package service puts the tracker together: listeners, commits and processing.
package service

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/presence"
	"github.com/waymark-gps/waymark/tracker/process"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/tracker/tracking"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/cache"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/util/storage"
)

// cached bounds the devices kept in memory.
const cached = 100_000

// Service is a tracker that is ready to run.
type Service struct {
	tracker   *tracking.Tracker
	processor *process.Processor
	presence  *presence.Watch
	store     storage.Positions
	source    *bus.Batches
	unwatch   func()
}

// New opens the ports; Run serves them.
func New(ctx context.Context, cfg tracking.Config, p *program.Parts) (*Service, error) {
	protocols, err := all.Registry()
	if err != nil {
		return nil, err
	}
	devices := cache.NewDevices(p.Store, cached, p.Now)
	last := cache.NewLast(p.Store, cached, p.Now)
	s := &Service{store: p.Store}
	s.unwatch, err = p.Bus.SubscribeDevices(func(c data.DeviceChange) {
		devices.Invalidate(c)
		last.Invalidate(c)
	})
	if err != nil {
		return nil, err
	}
	s.tracker, err = tracking.New(cfg, tracking.Deps{
		Protocols: protocols, Devices: devices, Store: p.Store, Bus: p.Bus,
		Publisher: tracking.OnBus(p.Bus), RawLog: p.Bus, Commands: p.Store, CommandBus: p.Bus, Files: p.Store,
		Friends: tracking.NewFriends(p.Store, last, p.Now), Log: p.Log, Metrics: p.Metrics, Now: p.Now,
		Statistics: p.Statistics,
	})
	if err != nil {
		s.unwatch()
		return nil, err
	}
	if s.source, err = p.Bus.ConsumePositions(ctx); err != nil {
		s.unwatch()
		return nil, fmt.Errorf("start processing: %w", err)
	}
	folder := derive.NewFolder(p.Store, p.Fleet, p.Log)
	folder.NotComputed = p.Metrics.NewCounter("waymark_process_computed_failures_total")
	folder.Replayed = p.Metrics.NewCounter("waymark_process_reports_replayed_total")
	folder.LateLeft = p.Metrics.NewCounter("waymark_process_late_left_total")
	s.processor = process.New(process.Deps{
		Source: s.source, Store: p.Store, Live: p.Bus, Last: last, Folder: folder,
		Log: p.Log, Metrics: p.Metrics, Statistics: p.Statistics,
	})
	s.presence = presence.New(p.Store, p.Bus, p.Fleet, p.Log, p.Now)
	return s, nil
}

// Addresses tells where the protocols can be reached.
func (s *Service) Addresses() []tracking.Address { return s.tracker.Addresses() }

// Run works until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.unwatch()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.tracker.Run(ctx) })
	group.Go(func() error { return s.store.Maintain(ctx) })
	group.Go(func() error { return s.presence.Run(ctx) })
	group.Go(func() error {
		defer s.source.Stop() // others take the shards while the last sessions end
		return s.processor.Run(ctx)
	})
	return group.Wait()
}
