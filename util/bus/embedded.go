package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/data"
)

// embeddedServer is a NATS server in this process that is started again when its
// disk has failed it: a server that met a full disk stays without JetStream, or
// with a stream that takes nothing more, until it is started again.
type embeddedServer struct {
	dir  string
	max  int64 // bytes of the stream
	log  *slog.Logger
	end  context.CancelFunc
	done sync.WaitGroup

	mu     sync.Mutex
	server *server.Server
	broken error // why it cannot keep anything, nil when it can
}

// watchEvery is how often the server is looked at.
const watchEvery = time.Second

// startEmbedded runs a server that keeps its files in dir.
func startEmbedded(ctx context.Context, dir string, max int64, log *slog.Logger) (*embeddedServer, error) {
	e := &embeddedServer{dir: dir, max: max, log: log}
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	ctx, e.end = context.WithCancel(context.Background())
	e.done.Go(func() { e.watch(ctx) })
	return e, nil
}

// start runs a NATS server without a socket: only this process reaches it.
// Every write is synced, because a device deletes what we acknowledge.
func (e *embeddedServer) start(ctx context.Context) error {
	if err := repair(e.dir, e.log); err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		ServerName:             "waymark",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               e.dir,
		SyncAlways:             true,
		JetStreamMaxMemory:     64 << 20,
		JetStreamMaxStore:      e.max + 64<<20,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return fmt.Errorf("configure the embedded bus: %w", err)
	}
	s.SetLoggerV2(serverLog{e.log}, false, false, false)
	go s.Start()
	deadline, _ := ctx.Deadline()
	if !s.ReadyForConnections(time.Until(deadline)) || !s.JetStreamEnabled() {
		s.Shutdown()
		s.WaitForShutdown()
		return fmt.Errorf("start the embedded bus in %s: not ready in time; is the folder writable and the disk not full? %w", e.dir, data.ErrUnavailable)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.server = s
	return nil
}

// InProcessConn connects a client to the server that runs now.
func (e *embeddedServer) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server.InProcessConn()
}

// trouble tells why nothing can be kept now, nil if it can.
func (e *embeddedServer) trouble() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.broken
}

// watch starts the server again when it has lost its disk.
func (e *embeddedServer) watch(ctx context.Context) {
	for pause(ctx, watchEvery) == nil {
		err := e.probe()
		if err == nil {
			continue
		}
		e.log.Error("the embedded bus cannot write any more", "folder", e.dir, "err", err)
		e.setTrouble(fmt.Errorf("the bus cannot write to %s (is the disk full?), devices are asked to send again later: %w: %w", e.dir, data.ErrUnavailable, err))
		e.stopServer()
		for e.revive(ctx) != nil {
			if pause(ctx, watchEvery) != nil {
				return
			}
		}
		e.setTrouble(nil)
		e.log.Info("the embedded bus writes again", "folder", e.dir)
	}
}

// probe asks the server whether it can write.
func (e *embeddedServer) probe() error {
	e.mu.Lock()
	s := e.server
	e.mu.Unlock()
	if !s.JetStreamEnabled() {
		return fmt.Errorf("JetStream has stopped: %w", data.ErrUnavailable)
	}
	if h := s.Healthz(nil); h.Status != "ok" {
		return fmt.Errorf("%s: %w", h.Error, data.ErrUnavailable)
	}
	return nil
}

// revive starts the server again if there is room on the disk.
func (e *embeddedServer) revive(ctx context.Context) error {
	if err := writable(e.dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	err := e.start(ctx)
	if err != nil {
		e.log.Error("the embedded bus does not start, trying again", "err", err)
	}
	return err
}

// needed is how much must fit onto the disk before writing is tried again.
const needed = 4 << 20

// writable tries to write to a folder.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return fmt.Errorf("write to the folder of the bus: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, needed))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write to the folder of the bus: %w", err)
	}
	return nil
}

func (e *embeddedServer) setTrouble(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = err
}

func (e *embeddedServer) stopServer() {
	e.mu.Lock()
	s := e.server
	e.mu.Unlock()
	s.Shutdown()
	s.WaitForShutdown()
}

func (e *embeddedServer) close() {
	e.end()
	e.done.Wait()
	e.stopServer()
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
