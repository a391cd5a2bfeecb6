package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/jobs"
)

const (
	// importPath takes bodies of maxUploadBytes, in parts of uploadChunk that may
	// take chunkTimeout each; maxUploads may come in at once.
	importPath     = "/api/jobs/import"
	maxUploadBytes = 1 << 30
	uploadChunk    = 64 << 10
	maxUploads     = 4

	jobKind = data.ObjectKind("job")
)

// jobRoutes are those of work that takes longer than a request.
func (s *Server) jobRoutes(r chi.Router) {
	r.Get("/jobs", s.handle(s.getJobs))
	r.Get("/jobs/{id}", s.handle(s.getJob))
	r.Delete("/jobs/{id}", s.handle(s.deleteJob))
	r.Post("/jobs/export", s.handle(s.postExport))
	r.With(s.administratorOnly).Post("/jobs/backup", s.handle(s.postBackup))
}

// jobFileRoutes are those of its files, which take as long as they take.
func (s *Server) jobFileRoutes(r chi.Router) {
	r.Post("/jobs/import", s.handle(s.postImport))
	r.Get("/jobs/{id}/result", s.handle(s.getJobResult))
}

// theJobs are the jobs of this server; data.ErrUnavailable if there are none.
func (s *Server) theJobs() (*jobs.Manager, error) {
	if s.jobs == nil {
		return nil, fmt.Errorf("%w: this server has no folder for jobs (data-dir)", data.ErrUnavailable)
	}
	return s.jobs, nil
}

func appendJob(b []byte, j *jobs.Job) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, j.ID, 10)
	b = append(b, `,"userId":`...)
	b = strconv.AppendInt(b, j.UserID, 10)
	b = append(b, `,"type":`...)
	b = data.AppendJSONString(b, j.Type)
	b = append(b, `,"state":`...)
	b = data.AppendJSONString(b, string(j.State))
	for _, at := range []struct {
		name string
		time time.Time
	}{{"createdTime", j.Created}, {"startedTime", j.Started}, {"finishedTime", j.Finished}} {
		b = append(append(append(b, `,"`...), at.name...), `":`...)
		b = data.AppendJSONTime(b, at.time)
	}
	b = append(b, `,"progress":`...)
	if j.Progress < 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendFloat(b, j.Progress, 'f', 3, 64)
	}
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, j.Count, 10)
	b = append(b, `,"fileName":`...)
	b = appendOptional(b, j.FileName)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, j.Size, 10)
	b = append(b, `,"error":`...)
	b = appendOptional(b, j.Error)
	b = append(b, `,"notes":`...)
	b = appendList(b, len(j.Notes), func(b []byte, i int) []byte { return data.AppendJSONString(b, j.Notes[i]) })
	return append(b, '}')
}

// appendOptional appends a text, null for none.
func appendOptional(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return data.AppendJSONString(b, text)
}

// getJobs lists the sender's jobs, the last first; administrators may ask for
// ?all=true. ?limit and ?offset page.
func (s *Server) getJobs(w http.ResponseWriter, r *http.Request) error {
	m, err := s.theJobs()
	if err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	all, err := q.flag("all")
	if err != nil {
		return err
	}
	p, err := q.page()
	if err != nil {
		return err
	}
	v := viewerOf(r)
	owner := v.User.ID
	if all && v.Administrator() {
		owner = 0
	}
	list := m.List(owner)
	list = cut(list, p)
	return writeJSON(w, appendList(nil, len(list), func(b []byte, i int) []byte { return appendJob(b, &list[i]) }))
}

// visibleJob is the job of the address, for its owner and administrators.
func (s *Server) visibleJob(r *http.Request) (*jobs.Manager, jobs.Job, error) {
	m, err := s.theJobs()
	if err != nil {
		return nil, jobs.Job{}, err
	}
	id, err := pathID(r)
	if err != nil {
		return nil, jobs.Job{}, err
	}
	j, err := m.Job(id)
	if err != nil {
		return nil, j, hidden(err)
	}
	if v := viewerOf(r); j.UserID != v.User.ID && !v.Administrator() {
		return nil, jobs.Job{}, errNoSuchObject
	}
	return m, j, nil
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request) error {
	_, j, err := s.visibleJob(r)
	if err != nil {
		return err
	}
	return writeJSON(w, appendJob(nil, &j))
}

// deleteJob ends a job and removes what is kept of it.
func (s *Server) deleteJob(w http.ResponseWriter, r *http.Request) error {
	m, j, err := s.visibleJob(r)
	if err != nil {
		return err
	}
	if err := m.Remove(j.ID); err != nil {
		return hidden(err)
	}
	s.record(r, actionDelete, jobKind, j.ID, map[string]any{"type": j.Type})
	return writeNothing(w)
}

// getJobResult answers with what a job made, as a file; parts of it may be asked
// for (Range).
func (s *Server) getJobResult(w http.ResponseWriter, r *http.Request) error {
	m, j, err := s.visibleJob(r)
	if err != nil {
		return err
	}
	if j.State != jobs.Done || j.FileName == "" {
		return fmt.Errorf("%w: this job has no result (yet)", data.ErrNotFound)
	}
	f, err := m.Result(j.ID)
	if err != nil {
		return hidden(err)
	}
	defer f.Close()
	w.Header().Set("Content-Type", j.ContentType)
	w.Header().Set("Content-Disposition", attachment(j.FileName))
	http.ServeContent(&steady{w, s.stream(w, r)}, r, "", j.Finished, f)
	return nil
}

// steady writes an answer of any length, see stream.
type steady struct {
	http.ResponseWriter
	out *stream
}

func (s *steady) Write(b []byte) (int, error) { return s.out.Write(b) }

// submit makes a job and answers with it.
func (s *Server) submit(w http.ResponseWriter, r *http.Request, kind string, input io.Reader, do jobs.Func) error {
	m, err := s.theJobs()
	if err != nil {
		return err
	}
	j, err := m.Submit(viewerOf(r).User.ID, kind, input, do)
	if err != nil {
		return err
	}
	s.record(r, actionCreate, jobKind, j.ID, map[string]any{"type": kind})
	return writeJSON(w, appendJob(nil, &j))
}

// postBackup makes a job that writes everything in the store to a file.
func (s *Server) postBackup(w http.ResponseWriter, r *http.Request) error {
	if s.deps.Backup == nil {
		return fmt.Errorf("%w: this server makes no backups", data.ErrUnavailable)
	}
	return s.submit(w, r, "backup", nil, func(ctx context.Context, work *jobs.Work) error {
		name := "waymark-" + s.deps.Now().UTC().Format("2006-01-02-150405") + ".backup"
		work.Progress(-1, 0)
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		err := s.deps.Backup(ctx, work.ResultPath(), func() {
			if err := work.Room(); err != nil {
				cancel(err)
			}
		})
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		if err == nil {
			work.Name(name, "application/octet-stream")
		}
		return err
	})
}

// upload is a body that comes in parts, each in its time.
type upload struct {
	body    io.Reader
	control *http.ResponseController
	left    int
}

func (u *upload) Read(b []byte) (int, error) {
	if u.left <= 0 {
		if err := u.control.SetReadDeadline(time.Now().Add(chunkTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
		u.left = uploadChunk
	}
	n, err := u.body.Read(b[:min(len(b), u.left)])
	u.left -= n
	if err == nil {
		return n, nil
	}
	// The answer has its time from here on.
	_ = u.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // it is tried all the same
	if !errors.Is(err, io.EOF) && !isTooLarge(err) {
		err = invalid("the file did not come in whole: %d KiB must come within %d seconds", uploadChunk>>10, int(chunkTimeout.Seconds()))
	}
	return n, err
}

// receive keeps a body as the input of a job.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, kind string, do jobs.Func) error {
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		return fmt.Errorf("%w: other files are coming in, try again in a minute", data.ErrUnavailable)
	}
	return s.submit(w, r, kind, &upload{body: r.Body, control: http.NewResponseController(w)}, do)
}
