package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// Restore makes a store of a backup, in an empty place: a folder without a
// database, a database without tables. Else it is data.ErrConflict, unless
// Force is set: SQLite files are then put aside, into a folder beside them.
// Nothing is written before the whole file has been verified, and nothing is
// left of a restore that ends early. No server may use the place.
func Restore(ctx context.Context, file string, to Place, o Options) (*Manifest, error) {
	m, err := restore(ctx, file, to, o)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", file, explain(err, to.Path))
	}
	return m, nil
}

func restore(ctx context.Context, file string, to Place, o Options) (*Manifest, error) {
	m, err := Verify(ctx, file)
	if err != nil {
		return nil, err
	}
	if m.Kind != to.kind() {
		return nil, fmt.Errorf("it is a backup of %s, storage.url names %s: restore it to the same kind of database: %w", m.Kind, to.kind(), data.ErrConflict)
	}
	r, err := openReader(ctx, file)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if to.URL == "" {
		return m, toSQLite(r, m, to.Path, o)
	}
	if m.Database == nil {
		return nil, fmt.Errorf("%w: the manifest describes no tables", errDamaged)
	}
	t := tables{r: r, o: o}
	return m, postgres.Restore(ctx, to.URL, o.Log, m.Database, t.next)
}

func toSQLite(r *reader, m *Manifest, path string, o Options) error {
	if known := sqlite.SchemaVersion(); m.Schema > known {
		return fmt.Errorf("it was made by a newer Waymark, %s (schema %d, this program knows %d): restore it with that version: %w", m.Version, m.Schema, known, data.ErrConflict)
	}
	there := sqlite.Files(path)
	if len(there) > 0 && !o.Force {
		return fmt.Errorf("%s is there already: restore into an empty folder (--data-dir), or add --force to put what is there aside: %w", there[0], data.ErrConflict)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, ".waymark-restore-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	moves, err := extract(r, path, temp, o)
	if err != nil {
		return err
	}
	if err := putAside(there, filepath.Join(dir, "replaced-"+o.Now().UTC().Format("20060102-150405"))); err != nil {
		return err
	}
	// waymark.db comes first: without it, a server that is started would forget
	// positions of devices that it does not know. recent.db comes last: what
	// is lost of it is made again from the months.
	slices.SortStableFunc(moves, func(a, b move) int { return a.rank() - b.rank() })
	for _, v := range moves {
		if err := os.MkdirAll(filepath.Dir(v.to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(v.from, v.to); err != nil {
			return err
		}
		if err := syncDir(filepath.Dir(v.to)); err != nil {
			return err
		}
	}
	return nil
}

// move is a file that is written and has to get its name.
type move struct{ name, from, to string }

// rank is when it gets it.
func (v *move) rank() int {
	switch v.name {
	case "waymark.db":
		return 0
	case "recent.db":
		return 2
	}
	return 1
}

// extract writes the files of a backup into a folder.
func extract(r *reader, path, dir string, o Options) (moves []move, err error) {
	for {
		m, body, err := r.next()
		if errors.Is(err, io.EOF) {
			return moves, nil
		}
		if err != nil {
			return nil, err
		}
		if m.Name == manifestName {
			continue
		}
		to, err := sqlite.Place(path, m.Name)
		if err != nil {
			return nil, err
		}
		v := move{m.Name, filepath.Join(dir, fmt.Sprint(len(moves))), to}
		if err := writeFile(v.from, body); err != nil {
			return nil, fmt.Errorf("write %s: %w", m.Name, err)
		}
		moves = append(moves, v)
		o.progress(m.Name, m.Size)
	}
}

func writeFile(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}

func putAside(files []string, dir string) error {
	if len(files) == 0 {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Rename(f, filepath.Join(dir, filepath.Base(f))); err != nil {
			return err
		}
	}
	return nil
}

// tables reads the pieces of tables as one.
type tables struct {
	r     *reader
	o     Options
	ahead *piece // read, but not given out yet
}

type piece struct {
	table string
	size  int64
	body  io.Reader
}

// piece is the next one, nil at the end.
func (t *tables) piece() (*piece, error) {
	if p := t.ahead; p != nil {
		t.ahead = nil
		return p, nil
	}
	m, body, err := t.r.next()
	if errors.Is(err, io.EOF) || err == nil && m.Name == manifestName {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	parts := strings.Split(m.Name, "/")
	if len(parts) != 3 || parts[0] != "tables" {
		return nil, fmt.Errorf("%w: %q is not a piece of a table", errDamaged, m.Name)
	}
	t.o.progress(m.Name, m.Size)
	return &piece{parts[1], m.Size, body}, nil
}

func (t *tables) next() (string, io.Reader, error) {
	p, err := t.piece()
	if err != nil {
		return "", nil, err
	}
	if p == nil {
		return "", nil, io.EOF
	}
	return p.table, &tableReader{t: t, name: p.table, body: p.body}, nil
}

type tableReader struct {
	t    *tables
	name string
	body io.Reader
}

func (r *tableReader) Read(b []byte) (int, error) {
	for r.body != nil {
		n, err := r.body.Read(b)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if err == nil {
			continue
		}
		p, err := r.t.piece()
		if err != nil {
			return 0, err
		}
		r.body = nil
		if p != nil && p.table == r.name {
			r.body = p.body
		} else {
			r.t.ahead = p
		}
	}
	return 0, io.EOF
}
