// Package jobs does what takes longer than a request: imports, long exports,
// backups. Each job has a folder, <dir>/<id>: job.json tells its state, input is
// what was sent, result what it made.
//
// Jobs wait in a queue and run a few at a time. One that runs when the program
// ends is failed at the next start, with a text that says so; nothing goes on by
// itself. The jobs of a web server are its own: where several share a store,
// each knows those that it took.
package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
)

const (
	// running is how many jobs run at once.
	running = 2
	// maxOpen bounds the jobs of an account that wait or run, maxKept all its
	// jobs: the oldest that ended make room. maxJobs bounds those of everybody.
	maxOpen = 5
	maxKept = 20
	maxJobs = 1000
	// keep is how long a job that ended is kept, with its result.
	keep = 7 * 24 * time.Hour
	// tidyEvery is how often those are removed.
	tidyEvery = time.Hour
	// timeout bounds a job.
	timeout = 12 * time.Hour
)

// State is where a job is in its life.
type State string

// The states.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

func (s State) ended() bool { return s == Done || s == Failed }

// Job is what is told of a job. Times are UTC, zero if it has not come to that.
type Job struct {
	ID     int64
	UserID int64
	// Type is what it does: "import", "export", "backup".
	Type  string
	State State

	Created, Started, Finished time.Time
	// Progress is 0 to 1, negative where nobody knows.
	Progress float64
	// Count is how many positions were read or written so far.
	Count int64
	// FileName is what a browser calls the result, empty while there is none.
	FileName, ContentType string
	// Size of the result in bytes.
	Size int64
	// Error says why it failed, for people.
	Error string
	// Notes are what else is to be told, for people: what was left out, and why.
	Notes []string
}

// Func does the work of a job. An error that begins with the text of one of
// data's kinds is for people.
type Func func(ctx context.Context, w *Work) error

// Manager has the jobs of a process.
type Manager struct {
	dir   string
	space int64
	now   func() time.Time
	log   *slog.Logger

	mu   sync.Mutex
	jobs map[int64]*job
	// queue are the jobs that wait, oldest first. wake has room for one.
	queue  []*job
	wake   chan struct{}
	lastID int64
}

// job is a job in memory.
type job struct {
	Job
	do Func
	// cancel ends it; nil while it does not run. gone says that nobody wants it
	// any more: its folder goes when it has ended.
	cancel context.CancelFunc
	gone   bool
}

// New reads the jobs of a folder, which it makes. space bounds what all of them
// take on disk, in bytes.
func New(dir string, space int64, now func() time.Time, log *slog.Logger) (*Manager, error) {
	m := &Manager{dir: dir, space: space, now: now, log: log, jobs: make(map[int64]*job), wake: make(chan struct{}, 1)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of jobs: %w", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of jobs: %w", err)
	}
	for _, e := range list {
		if id, err := strconv.ParseInt(e.Name(), 10, 64); err == nil {
			m.restore(id)
		}
	}
	return m, nil
}

// restore reads a job of an earlier run. One that had not ended has failed.
func (m *Manager) restore(id int64) {
	j, err := readJob(m.folder(id))
	if err != nil || j.ID != id {
		m.log.Warn("job removed, it cannot be read", "job", id, "err", err)
		m.remove(id)
		return
	}
	if !j.State.ended() {
		j.State, j.Finished = Failed, m.now().UTC()
		j.Error = "the server was stopped before this ended; start it again"
		m.dropFiles(id, true)
		m.save(&j)
	}
	m.jobs[id], m.lastID = &job{Job: j}, max(m.lastID, id)
}

// Run works until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for range running {
		g.Go(func() error { m.work(ctx); return nil })
	}
	g.Go(func() error {
		tick := time.NewTicker(tidyEvery)
		defer tick.Stop()
		for {
			m.tidy()
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	return g.Wait()
}

// Submit makes a job of an account. input is kept for it first; nil for none.
// Too many jobs: data.ErrConflict. No room on disk: data.ErrUnavailable.
func (m *Manager) Submit(userID int64, kind string, input io.Reader, do Func) (Job, error) {
	j, err := m.admit(userID, kind)
	if err != nil {
		return Job{}, err
	}
	err = m.prepare(&j.Job, input)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		delete(m.jobs, j.ID)
		m.remove(j.ID)
		return Job{}, err
	}
	if j.do = do; j.gone {
		delete(m.jobs, j.ID)
		m.remove(j.ID)
		return Job{}, fmt.Errorf("%w: the job was removed", data.ErrConflict)
	}
	m.queue = append(m.queue, j)
	m.poke()
	return j.Job, nil
}

// admit makes room for a job, or refuses it.
func (m *Manager) admit(userID int64, kind string) (*job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	open, own := 0, []*job{}
	for _, j := range m.jobs {
		if j.UserID == userID {
			own = append(own, j)
			if !j.State.ended() {
				open++
			}
		}
	}
	if open >= maxOpen {
		return nil, fmt.Errorf("%w: you have %d jobs that have not ended; wait for one, or remove it", data.ErrConflict, open)
	}
	slices.SortFunc(own, func(a, b *job) int { return cmp.Compare(a.ID, b.ID) })
	for kept := len(own); kept >= maxKept; kept-- {
		i := slices.IndexFunc(own, func(j *job) bool { return j.State.ended() })
		m.forget(own[i]) // there is one: few have not ended
		own = slices.Delete(own, i, i+1)
	}
	if len(m.jobs) >= maxJobs {
		return nil, fmt.Errorf("%w: there are too many jobs on this server; remove some that have ended", data.ErrConflict)
	}
	now := m.now().UTC()
	m.lastID = max(m.lastID+1, now.UnixMilli())
	j := &job{Job: Job{ID: m.lastID, UserID: userID, Type: kind, State: Waiting, Created: now}}
	m.jobs[j.ID] = j
	return j, nil
}

// prepare makes the folder of a job and keeps its input there.
func (m *Manager) prepare(j *Job, input io.Reader) error {
	if err := os.Mkdir(m.folder(j.ID), 0o700); err != nil {
		return fmt.Errorf("make the folder of a job: %w", err)
	}
	if input != nil {
		w := &Work{m: m, id: j.ID}
		f, err := w.create(inputFile)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, input)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return writeJob(m.folder(j.ID), j)
}

func (m *Manager) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// List are the jobs of an account, the last first; userID 0 for all.
func (m *Manager) List(userID int64) []Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []Job{}
	for _, j := range m.jobs {
		if (userID == 0 || j.UserID == userID) && !j.gone {
			list = append(list, j.Job)
		}
	}
	slices.SortFunc(list, func(a, b Job) int { return cmp.Compare(b.ID, a.ID) })
	return list
}

// Job finds a job; there is none: data.ErrNotFound.
func (m *Manager) Job(id int64) (Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.jobs[id]; j != nil && !j.gone {
		return j.Job, nil
	}
	return Job{}, data.ErrNotFound
}

// Result opens what a job made; nothing: data.ErrNotFound.
func (m *Manager) Result(id int64) (*os.File, error) {
	f, err := os.Open(filepath.Join(m.folder(id), resultFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, data.ErrNotFound
	}
	return f, err
}

// Remove ends a job and removes all that is kept of it.
func (m *Manager) Remove(id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[id]
	if j == nil || j.gone {
		return data.ErrNotFound
	}
	m.forget(j)
	return nil
}

// forget removes a job, or has it removed as soon as it does not run any more.
// The caller holds m.mu.
func (m *Manager) forget(j *job) {
	switch {
	case j.cancel != nil:
		j.gone = true
		j.cancel()
		return
	case j.State == Waiting && j.do == nil: // its input is coming in
		j.gone = true
		return
	}
	m.queue = slices.DeleteFunc(m.queue, func(o *job) bool { return o == j })
	delete(m.jobs, j.ID)
	m.remove(j.ID)
}

// tidy removes what ended long ago.
func (m *Manager) tidy() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		if j.State.ended() && m.now().Sub(j.Finished) > keep {
			m.forget(j)
		}
	}
}
