package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
)

// server is waymark serve in a process of its own.
type server struct {
	cmd  *exec.Cmd
	done chan struct{}
	// Web is the URL of its API, Operations of its metrics.
	Web, Operations string
	database        *database // nil on SQLite

	mu    sync.Mutex
	lines []string // what it said last
}

var webAddress = regexp.MustCompile(`Open (http://\S+)`)

// startServer runs this program's serve with its data in dir. Every port is on
// loopback; tracker ports are the default ones plus offset.
func startServer(ctx context.Context, o Options, dir string, args ...string) (*server, error) {
	ops, err := freePort()
	if err != nil {
		return nil, err
	}
	args = slices.Concat([]string{
		"serve", "--data-dir", dir, "--web.listen", "127.0.0.1:0", "--ops.listen", ops,
		"--tracker.host", "127.0.0.1", "--tracker.register-unknown", "--log.level", "warn",
	}, args)
	s := &server{cmd: exec.Command(o.Program, args...), done: make(chan struct{}), Operations: "http://" + ops}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	found := make(chan string, 1)
	go s.read(out, found)
	select {
	case s.Web = <-found:
	case <-s.done:
		return nil, fmt.Errorf("the server ended at once:\n%s", s.said())
	case <-time.After(startTimeout):
		s.stop()
		return nil, fmt.Errorf("the server is not up after %v:\n%s", startTimeout, s.said())
	case <-ctx.Done():
		s.stop()
		return nil, ctx.Err()
	}
	if o.Postgres != "" && slices.Contains(args, o.Postgres) {
		if s.database, err = findDatabase(ctx, o.Postgres); err != nil {
			s.stop()
			return nil, err
		}
	}
	return s, nil
}

// read keeps the last lines of the server and looks for its address.
func (s *server) read(out io.Reader, found chan<- string) {
	defer close(s.done)
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if m := webAddress.FindStringSubmatch(scan.Text()); m != nil {
			select {
			case found <- m[1]:
			default:
			}
		}
		s.mu.Lock()
		s.lines = append(s.lines, scan.Text())
		s.lines = s.lines[max(0, len(s.lines)-40):]
		s.mu.Unlock()
	}
	s.cmd.Wait()
}

func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// stop ends the server and waits for it.
func (s *server) stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		return nil
	case <-time.After(stopTimeout):
		s.cmd.Process.Kill()
		<-s.done
		return fmt.Errorf("the server did not end in %v:\n%s", stopTimeout, s.said())
	}
}

// cpu is the CPU time of all server processes so far.
func (s *server) cpu() (time.Duration, error) {
	t, err := processTime(s.cmd.Process.Pid, false)
	if err != nil || s.database == nil {
		return t, err
	}
	d, err := s.database.time()
	return t + d, err
}

// counter reads a metric without labels.
func (s *server) counter(ctx context.Context, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Operations+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask for metrics: %w", err)
	}
	defer res.Body.Close()
	scan := bufio.NewScanner(res.Body)
	for scan.Scan() {
		if v, ok := strings.CutPrefix(scan.Text(), name+" "); ok {
			var f float64
			_, err := fmt.Sscan(v, &f)
			return f, err
		}
	}
	return 0, errors.Join(fmt.Errorf("the server has no metric %s", name), scan.Err())
}

// profile has the server profile itself for the duration of a run; the function
// it returns waits for the end.
func (s *server) profile(ctx context.Context, o Options) (wait func()) {
	if o.Profile == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.saveProfile(ctx, o); err != nil {
			fmt.Fprintln(o.Progress, "  no profile:", err)
		}
	}()
	return func() { <-done }
}

func (s *server) saveProfile(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, o.Duration+30*time.Second)
	defer cancel()
	url := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.Operations, max(1, int(o.Duration.Seconds())-1))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	f, err := os.Create(o.Profile)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, res.Body)
	return err
}

// loadAverage is what /proc/loadavg says, for the reader of the figures.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}
