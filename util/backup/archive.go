package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/waymark-gps/waymark/util/storage/postgres"
)

// format is the version of the form of the file.
const format = 1

// manifestName is the last member.
const manifestName = "manifest.json"

// Manifest says what is in a backup.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"`
	Created time.Time `json:"created"`
	// Kind is "sqlite" or "postgres".
	Kind string `json:"kind"`
	// Schema is the version of the schema of waymark.db or the database.
	Schema int64 `json:"schema"`
	// Counts are numbers that people know: devices, users, positions.
	Counts  map[string]int64 `json:"counts"`
	Members []Member         `json:"members"`
	// Database describes the tables of PostgreSQL.
	Database *postgres.Dump `json:"database,omitempty"`
}

// Member is a file in the archive.
type Member struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	// SHA256 is hexadecimal.
	SHA256 string `json:"sha256"`
}

func (m *Manifest) count(d *postgres.Dump) {
	for _, t := range d.Tables {
		switch t.Name {
		case "devices", "users":
			m.Counts[t.Name] = t.Rows
		case "hot":
			m.Counts["recent positions"] = t.Rows
		case "position_blocks":
			m.Counts["blocks of positions"] = t.Rows
		}
	}
}

// archive is a file that is being written.
type archive struct {
	f        *os.File
	z        *zstd.Encoder
	tar      *tar.Writer
	o        Options
	manifest Manifest
}

func newArchive(path string, o Options) (*archive, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Close()
		return nil, err
	}
	return &archive{f: f, z: z, tar: tar.NewWriter(z), o: o, manifest: Manifest{Format: format, Counts: make(map[string]int64)}}, nil
}

// member adds a member whose size is known.
func (a *archive) member(name string, size int64, r io.Reader) error {
	if err := a.header(name, size); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(a.tar, io.TeeReader(r, sum))
	if err == nil && n != size {
		err = fmt.Errorf("it has %d bytes, not %d", n, size)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	a.manifest.Members = append(a.manifest.Members, Member{name, size, hexSum(sum)})
	a.o.progress(name, size)
	return nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func (a *archive) header(name string, size int64) error {
	h := tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: a.manifest.Created, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(&h); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// file adds a file.
func (a *archive) file(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return a.member(name, info.Size(), cancelled{ctx, f})
}

// cancelled ends reading when its context ends.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelled) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// pieceBytes is the size of the pieces of a table, which are held in memory: a
// member of an archive begins with its size.
const pieceBytes = 8 << 20

// table returns a writer of the rows of a table.
func (a *archive) table(name string) io.WriteCloser { return &table{a: a, name: name} }

type table struct {
	a    *archive
	name string
	buf  bytes.Buffer
	n    int
}

func (t *table) Write(b []byte) (int, error) {
	t.buf.Write(b)
	if t.buf.Len() < pieceBytes {
		return len(b), nil
	}
	return len(b), t.flush()
}

func (t *table) Close() error {
	if t.buf.Len() == 0 {
		return nil
	}
	return t.flush()
}

func (t *table) flush() error {
	err := t.a.member(fmt.Sprintf("tables/%s/%06d", t.name, t.n), int64(t.buf.Len()), &t.buf)
	t.n++
	t.buf.Reset()
	return err
}

// close ends the file, with its manifest if it is whole.
func (a *archive) close(whole bool) error {
	if !whole {
		return a.f.Close()
	}
	return errors.Join(a.end(), a.z.Close(), a.f.Sync(), a.f.Close())
}

func (a *archive) end() error {
	b, err := json.MarshalIndent(&a.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := a.header(manifestName, int64(len(b))); err != nil {
		return err
	}
	if _, err := a.tar.Write(b); err != nil {
		return err
	}
	return a.tar.Close()
}
