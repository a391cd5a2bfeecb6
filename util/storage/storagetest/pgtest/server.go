package pgtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// supervise runs in /bin/sh beside the test process: it starts the server and
// stops it, by its process id, as soon as its own input ends. That happens when
// the test process ends, in whatever way. Then the folder goes. Before, a line
// of input may stop the server or start it again; a line of output says that it
// was done.
const supervise = `
start() {
	"$1" -D "$2/data" -k "$3" -c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
		-c max_connections=200 -c log_min_messages=error </dev/null >>"$2/log" 2>&1 &
	server=$!
}
start "$@"
while read -r command; do
	case $command in
	stop) kill -INT $server; wait $server ;;
	start) start "$@" ;;
	esac
	echo done
done
kill -QUIT $server
wait $server
cd / && rm -rf "$2" "$3"
`

// inputs are the inputs of the supervisors, never closed: they end with this
// process. What nobody holds would be collected, and so closed, before.
var inputs []io.Closer

// socketPathMax is the longest path of a Unix socket (unix(7)), less the name
// that the server gives its socket.
const socketPathMax = 107 - len("/.s.PGSQL.5432.lock")

// start makes a cluster and starts its server, in the first folder and as the
// first user that it works with.
func start() (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, parent := range slices.Compact([]string{os.Getenv("TEST_TMPDIR"), os.TempDir(), "/tmp"}) {
		for _, who := range accounts() {
			if parent == "" {
				continue
			}
			s, err := startIn(bin, parent, who)
			if err == nil {
				return s, nil
			}
			problems = append(problems, fmt.Errorf("in %s as %s: %w", parent, who.name, err))
		}
	}
	return nil, errors.Join(problems...)
}

// find returns the folder that holds initdb and postgres.
func find() (string, error) {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(initdb))
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is correct
	slices.SortFunc(installed, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range append(folders, installed...) {
		if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		if _, err := exec.LookPath(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no initdb and postgres in PATH or /usr/lib/postgresql/*/bin: install PostgreSQL or set %s to the URL of a server", serverVariable)
}

// version is the number in /usr/lib/postgresql/<number>/bin.
func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // 0 if it is none: last
	return n
}

func startIn(bin, parent string, who account) (s *Server, err error) {
	dir, err := os.MkdirTemp(parent, "wmpg")
	if err != nil {
		return nil, err
	}
	folders := []string{dir}
	defer func() {
		if err != nil {
			for _, f := range folders {
				os.RemoveAll(f)
			}
		}
	}()
	socket := dir
	if len(dir) > socketPathMax {
		if socket, err = os.MkdirTemp("/tmp", "wmpg"); err != nil {
			return nil, err
		}
		folders = append(folders, socket)
	}
	for _, f := range folders {
		if err := os.Chown(f, who.uid, who.gid); err != nil {
			return nil, err
		}
	}

	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"),
		"-U", "waymark", "-E", "UTF8", "--no-locale", "--auth=trust", "--no-sync", "--no-instructions")
	who.apply(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}

	serve := exec.Command("/bin/sh", "-c", supervise, "sh", filepath.Join(bin, "postgres"), dir, socket)
	who.apply(serve)
	end, err := serve.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := serve.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := serve.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			end.Close()
			serve.Wait()
		}
	}()
	q := url.Values{"host": {socket}, "user": {"waymark"}, "sslmode": {"disable"}}
	s = &Server{URL: "postgres:///postgres?" + q.Encode(), dir: dir, input: end, output: bufio.NewReader(output)}
	if err := s.answers(ctx); err != nil {
		return nil, err
	}
	inputs = append(inputs, end)
	return s, nil
}

// answers waits until the server does.
func (s *Server) answers(ctx context.Context) error {
	for {
		err := execute(ctx, s.URL, `SELECT 1`)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log")) // says more, if it is there
			return fmt.Errorf("server does not answer: %w: %s", err, bytes.TrimSpace(log))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
