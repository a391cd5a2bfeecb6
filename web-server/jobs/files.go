package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/waymark-gps/waymark/data"
)

// The files of a job.
const (
	stateFile  = "job.json"
	inputFile  = "input"
	resultFile = "result"
)

func (m *Manager) folder(id int64) string { return filepath.Join(m.dir, strconv.FormatInt(id, 10)) }

func readJob(folder string) (j Job, err error) {
	b, err := os.ReadFile(filepath.Join(folder, stateFile))
	if err != nil {
		return j, err
	}
	return j, json.Unmarshal(b, &j)
}

// writeJob replaces the state of a job as a whole.
func writeJob(folder string, j *Job) error {
	b, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("write the state of a job: %w", err)
	}
	part := filepath.Join(folder, stateFile+".new")
	if err := os.WriteFile(part, b, 0o600); err != nil {
		return fmt.Errorf("write the state of a job: %w", err)
	}
	return os.Rename(part, filepath.Join(folder, stateFile))
}

// save keeps the state of a job. Where the disk does not take it, memory has it
// until the next start.
func (m *Manager) save(j *Job) {
	if err := writeJob(m.folder(j.ID), j); err != nil {
		m.log.Error("state of a job not kept", "job", j.ID, "err", err)
	}
}

func (m *Manager) remove(id int64) {
	if err := os.RemoveAll(m.folder(id)); err != nil {
		m.log.Error("files of a job not removed", "job", id, "err", err)
	}
}

// dropFiles removes what a job that ended does not need: all but its state and
// its result, and the result too if it is not whole.
func (m *Manager) dropFiles(id int64, result bool) {
	list, err := os.ReadDir(m.folder(id))
	for _, e := range list {
		if name := e.Name(); name != stateFile && (name != resultFile || result) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(m.folder(id), name)))
		}
	}
	if err != nil {
		m.log.Error("files of a job not removed", "job", id, "err", err)
	}
}

// used is what all jobs take on disk, in bytes.
func (m *Manager) used() (total int64, err error) {
	err = filepath.WalkDir(m.dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				total += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		return err
	})
	return total, err
}

// Room tells whether there is room for more: data.ErrUnavailable if not. Who
// writes files by other ways than Create asks now and then.
func (w *Work) Room() error {
	used, err := w.m.used()
	if err != nil {
		return fmt.Errorf("measure the jobs: %w", err)
	}
	if used >= w.m.space {
		return fmt.Errorf("%w: jobs may take %d MiB on disk (web.jobs-mib) and take that: remove some, or ask for less", data.ErrUnavailable, w.m.space>>20)
	}
	return nil
}

// File is written until the room of all jobs ends.
type File struct {
	file *os.File
	w    *Work
	// left may be written before the room is measured again.
	left int
}

// measureEvery is after how many bytes that is.
const measureEvery = 8 << 20

func (w *Work) create(name string) (*File, error) {
	if err := w.Room(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(w.m.folder(w.id), name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a file: %w", err)
	}
	return &File{file: f, w: w, left: measureEvery}, nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

func (f *File) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		if err := f.w.Room(); err != nil {
			return 0, err
		}
		f.left = measureEvery
	}
	return f.file.Write(b)
}
