package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/data"
)

// startServer runs a NATS server without a socket: only this process reaches
// it. Every write is synced, because a device deletes what we acknowledge.
func startServer(ctx context.Context, cfg Config, dir string, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:             "waymark",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             true,
		JetStreamMaxMemory:     64 << 20,
		JetStreamMaxStore:      int64(cfg.MaxBacklogMB)<<20 + 64<<20,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the embedded bus: %w", err)
	}
	s.SetLoggerV2(serverLog{log}, false, false, false)
	go s.Start()
	deadline, _ := ctx.Deadline()
	if !s.ReadyForConnections(time.Until(deadline)) {
		s.Shutdown()
		return nil, fmt.Errorf("start the embedded bus in %s: not ready in time; is the folder writable and the disk not full? %w", dir, data.ErrUnavailable)
	}
	return s, nil
}

// lockDir makes sure that one process at a time uses the folder of the bus.
func lockDir(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return func() {}, fmt.Errorf("create the folder of the bus: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return func() {}, fmt.Errorf("lock the folder of the bus: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return func() {}, fmt.Errorf("another waymark process uses %s: stop it, or choose another data-dir: %w", dir, data.ErrConflict)
		}
		return func() {}, fmt.Errorf("lock the folder of the bus: %w", err)
	}
	return func() { f.Close() }, nil
}

// serverLog passes what the server has to say on to slog. Its notices are
// about its own start and end, which people who run Waymark need not read.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("bus server", "text", fmt.Sprintf(format, v...))
}

func (l serverLog) Warnf(format string, v ...any) {
	l.log.Warn("bus server", "text", fmt.Sprintf(format, v...))
}

func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("bus server", "text", fmt.Sprintf(format, v...))
}

func (l serverLog) Fatalf(format string, v ...any) {
	l.log.Error("bus server", "text", fmt.Sprintf(format, v...))
}
func (l serverLog) Debugf(string, ...any) {}
func (l serverLog) Tracef(string, ...any) {}
