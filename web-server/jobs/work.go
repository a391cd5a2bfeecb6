package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Work is how a job reports, and where it finds and puts its files. It is used
// by one goroutine.
type Work struct {
	m   *Manager
	id  int64
	job *job
}

// Input is the path of what was sent.
func (w *Work) Input() string { return filepath.Join(w.m.folder(w.id), inputFile) }

// ResultPath is where a result may be put by others; see Room.
func (w *Work) ResultPath() string { return filepath.Join(w.m.folder(w.id), resultFile) }

// Create makes the result, written in bounded space.
func (w *Work) Create() (*File, error) { return w.create(resultFile) }

// Name says what the result is called and is.
func (w *Work) Name(fileName, contentType string) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.job.FileName, w.job.ContentType = fileName, contentType
}

// Progress reports how far the job is, 0 to 1 (negative: nobody knows), and how
// many positions it has read or written.
func (w *Work) Progress(part float64, count int64) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.job.Progress, w.job.Count = min(part, 1), count
}

// maxNotes bounds what a job may tell.
const maxNotes = 100

// Note adds to what is told of the job.
func (w *Work) Note(text string) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if len(w.job.Notes) < maxNotes {
		// A new list: the old one may be on its way out.
		w.job.Notes = append(append([]string{}, w.job.Notes...), text)
	}
}

// work runs jobs until ctx ends.
func (m *Manager) work(ctx context.Context) {
	for {
		j, ctx, cancel := m.next(ctx)
		if j == nil {
			select {
			case <-ctx.Done():
				return
			case <-m.wake:
			}
			continue
		}
		m.end(j, m.try(ctx, j), ctx.Err())
		cancel()
	}
}

// next takes the job that waits longest; nil for none.
func (m *Manager) next(parent context.Context) (*job, context.Context, context.CancelFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 || parent.Err() != nil {
		return nil, parent, nil
	}
	j := m.queue[0]
	if m.queue = m.queue[1:]; len(m.queue) > 0 {
		m.poke() // for the others who work
	}
	ctx, cancel := context.WithTimeout(parent, timeout)
	j.State, j.Started, j.cancel = Running, m.now().UTC(), cancel
	m.save(&j.Job)
	return j, ctx, cancel
}

// try runs a job. A bug costs the job and nothing else.
func (m *Manager) try(ctx context.Context, j *job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
			m.log.Error("panic in a job", "job", j.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	return j.do(ctx, &Work{m: m, id: j.ID, job: j})
}

// end keeps how a job ended. ended is the error of its context.
func (m *Manager) end(j *job, err, ended error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j.cancel, j.do = nil, nil
	if j.gone {
		delete(m.jobs, j.ID)
		m.remove(j.ID)
		return
	}
	j.State, j.Finished = Done, m.now().UTC()
	if err != nil {
		j.State, j.FileName, j.ContentType = Failed, "", ""
		j.Error = m.explain(j, err, ended)
	} else if j.Progress >= 0 {
		j.Progress = 1
	}
	m.dropFiles(j.ID, err != nil)
	if info, err := os.Stat(filepath.Join(m.folder(j.ID), resultFile)); err == nil {
		j.Size = info.Size()
	}
	m.save(&j.Job)
}

// explain is what people are told of an error. Of one that was not written for
// them the log has the words.
func (m *Manager) explain(j *job, err, ended error) string {
	switch {
	case errors.Is(ended, context.Canceled):
		return "the server was stopped before this ended; start it again"
	case errors.Is(ended, context.DeadlineExceeded):
		return fmt.Sprintf("it took longer than %d hours; ask for less at a time", timeout/time.Hour)
	}
	for _, kind := range []error{data.ErrInvalid, data.ErrNotFound, data.ErrDenied, data.ErrConflict, data.ErrUnavailable} {
		if errors.Is(err, kind) {
			text := strings.TrimPrefix(err.Error(), kind.Error()+": ")
			// Paths of this machine are nobody's business.
			return strings.ReplaceAll(text, m.folder(j.ID)+string(filepath.Separator), "")
		}
	}
	m.log.Error("job failed", "job", j.ID, "type", j.Type, "err", err)
	return fmt.Sprintf("internal error; the server's log has the reason under job %d", j.ID)
}
