package e2e

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of a test. It is long because test machines are
// busy; nothing takes that long.
const patience = 2 * time.Minute

// ending bounds how long a program may take to end: a little later it would say
// which part of it does not.
const ending = 20 * time.Second

// binaries are built once (go test) or handed over (Bazel, by data).
var binaries struct {
	sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries.dir != "" {
		os.RemoveAll(binaries.dir)
	}
	os.Exit(code)
}

// binary returns the path of a program, built from folder.
func binary(t *testing.T, name, folder string) string {
	t.Helper()
	if path := os.Getenv("WAYMARK_TEST_BIN_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))); path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return abs
	}
	binaries.Lock()
	defer binaries.Unlock()
	if binaries.dir == "" {
		dir, err := os.MkdirTemp("", "waymark-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		binaries.dir = dir
	}
	path := filepath.Join(binaries.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	out, err := exec.Command("go", "build", "-o", path, folder).CombinedOutput()
	if err != nil {
		t.Fatalf("go build %s: %v\n%s", folder, err, out)
	}
	return path
}

func waymark(t *testing.T) string { return binary(t, "waymark", "..") }

// output collects what a process prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// process is a running program.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	out    output // standard output and error
	exited chan struct{}
	err    error
}

// start runs a program until the test ends.
func start(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(path), cmd: exec.Command(path, args...), exited: make(chan struct{})}
	p.cmd.Env = append(environment(), "HOME="+t.TempDir())
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.out.String())
		}
	})
	return p
}

// environment is this process's, without settings of Waymark.
func environment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "WAYMARK_") && !strings.HasPrefix(v, "XDG_DATA_HOME=") {
			env = append(env, v)
		}
	}
	return env
}

// kill ends the process the hard way (kill -9).
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

// interrupt ends the process as Ctrl-C does and tells how long it took.
func (p *process) interrupt() time.Duration {
	p.t.Helper()
	began := time.Now()
	p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end after Ctrl-C", p.name)
	}
	if p.err != nil {
		p.t.Fatalf("%s ended with %v after Ctrl-C", p.name, p.err)
	}
	return time.Since(began)
}

// await waits until the process has printed what matches, and returns the
// groups of the expression.
func (p *process) await(expr string) []string {
	p.t.Helper()
	re := regexp.MustCompile(expr)
	var found []string
	eventually(p.t, p.name+" to print "+expr, func() bool {
		select {
		case <-p.exited:
			if found = re.FindStringSubmatch(p.out.String()); found == nil {
				p.t.Fatalf("%s ended (%v) before it printed %s", p.name, p.err, expr)
			}
			return true
		default:
		}
		found = re.FindStringSubmatch(p.out.String())
		return found != nil
	})
	return found
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v for %s", patience, what)
		case <-tick.C:
		}
	}
}

// instance is everything in one process.
type instance struct {
	*process
	*client
	ports map[string]string // "gt06" -> address
}

// serve starts waymark serve on free ports of loopback.
func serve(t *testing.T, dataDir string, args ...string) *instance {
	t.Helper()
	p := start(t, waymark(t), append([]string{
		"serve",
		"--data-dir", dataDir, "--web.listen", "127.0.0.1:0", "--tracker.host", "127.0.0.1",
		"--tracker.ports", "gt06=0,teltonika=0,osmand=0,*=off", "--tracker.register-unknown",
	}, args...)...)
	web := p.await(`Open (http://\S+)`)[1]
	i := &instance{process: p, client: newClient(t, web), ports: map[string]string{}}
	line := p.await(`Devices connect to (.*)\n`)[1]
	for _, m := range regexp.MustCompile(`(\w+) (\d+)/(\w+)`).FindAllStringSubmatch(line, -1) {
		key := m[1]
		if m[3] == "udp" {
			key += "/udp"
		}
		i.ports[key] = "127.0.0.1:" + m[2]
	}
	awaitReady(t, web)
	return i
}

// awaitReady waits until a service says that it can serve.
func awaitReady(t *testing.T, base string) {
	t.Helper()
	eventually(t, base+" to be ready", func() bool {
		resp, err := http.Get(base + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// handed are the ports of freePort, none twice.
var handed sync.Map

// freePort is a TCP port of loopback that nobody listens on. It is below those
// that the system gives to outgoing connections: nobody else gets it while its
// process is away.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10_000 + rand.IntN(17_000))
		if _, twice := handed.LoadOrStore(port, true); twice {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

func fails(t *testing.T, want string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, waymark(t), args...)
	cmd.Env = append(environment(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("waymark %s: %v, want an error\n%s", strings.Join(args, " "), err, out)
	}
	if !regexp.MustCompile(want).Match(out) || bytes.Contains(out, []byte("goroutine ")) {
		t.Errorf("waymark %s said\n%swant a line like %s", strings.Join(args, " "), out, want)
	}
	if n := bytes.Count(append([]byte("\n"), out...), []byte("\nwaymark: ")); n != 1 {
		t.Errorf("waymark %s ended with %d lines, want one:\n%s", strings.Join(args, " "), n, out)
	}
}
