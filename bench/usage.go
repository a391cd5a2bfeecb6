package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// tick is the unit of CPU times in /proc, on every Linux that Go runs on
// (proc(5), sysconf(_SC_CLK_TCK)).
const tick = 10 * time.Millisecond

// processTime is the CPU time a process has used, in user and system mode, with
// that of its children that have ended if asked for.
func processTime(pid int, children bool) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	// The name, in parentheses, may hold spaces; after it the state is field 3.
	_, rest, ok := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 15 {
		return 0, fmt.Errorf("read the CPU time of process %d: unknown format", pid)
	}
	last := 13 // utime and stime are fields 14 and 15
	if children {
		last = 15 // cutime and cstime follow
	}
	var ticks int64
	for _, s := range f[11:last] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// residentBytes is the memory of a process that is in RAM (VmRSS), and the part
// of it that no file backs (RssAnon).
func residentBytes(pid int) (rss, anon int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			rss = kb << 10
		case "RssAnon:":
			anon = kb << 10
		}
	}
	return rss, anon, nil
}

// database is the processes of a PostgreSQL server on this machine.
type database struct{ postmaster int }

// findDatabase asks the server for the process that serves us, whose parent is
// the postmaster.
func findDatabase(ctx context.Context, url string) (*database, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	var pid int
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		return nil, fmt.Errorf("ask PostgreSQL for its process: %w", err)
	}
	parent, err := parentOf(pid)
	if err != nil {
		return nil, fmt.Errorf("%w; the server must run on this machine for its CPU time to be counted", err)
	}
	return &database{parent}, nil
}

func parentOf(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("find process %d: %w", pid, err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 2 {
		return 0, fmt.Errorf("find process %d: unknown format", pid)
	}
	return strconv.Atoi(f[1])
}

// time is the CPU time of all its processes so far: the postmaster, those it
// has buried, and those that live.
func (d *database) time() (time.Duration, error) {
	sum, err := processTime(d.postmaster, true)
	if err != nil {
		return 0, err
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if parent, err := parentOf(pid); err != nil || parent != d.postmaster {
			continue
		}
		t, err := processTime(pid, false)
		if errors.Is(err, os.ErrNotExist) {
			continue // it ended meanwhile, and counts with the postmaster next time
		}
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}
