package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/waymark-gps/waymark/data"
)

// maxManifest bounds the manifest in bytes: a table of a terabyte has a hundred
// thousand pieces.
const maxManifest = 64 << 20

// maxWindow bounds the memory of decompression.
const maxWindow = 64 << 20

// errDamaged is what a file is that is not what Create wrote.
var errDamaged = fmt.Errorf("the backup is damaged or not whole: %w", data.ErrInvalid)

// reader reads the members of a file, one after the other.
type reader struct {
	f   *os.File
	z   *zstd.Decoder
	tar *tar.Reader
	// sum is of the member that is being read.
	member Member
	sum    hash.Hash
	body   io.Reader
	// done are the members before.
	done []Member
}

func openReader(ctx context.Context, file string) (*reader, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(cancelled{ctx, f}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return &reader{f: f, z: z, tar: tar.NewReader(z)}, nil
}

func (r *reader) close() {
	r.z.Close()
	r.f.Close()
}

// next goes to the next member; io.EOF after the last one.
func (r *reader) next() (Member, io.Reader, error) {
	if err := r.finish(); err != nil {
		return Member{}, nil, err
	}
	h, err := r.tar.Next()
	if errors.Is(err, io.EOF) {
		return Member{}, nil, io.EOF
	}
	if err != nil {
		return Member{}, nil, damaged(err)
	}
	r.member, r.sum = Member{Name: h.Name, Size: h.Size}, sha256.New()
	r.body = io.TeeReader(errorsOf{r.tar}, r.sum)
	return r.member, r.body, nil
}

// damaged says so of what cannot be read, but for the end of the context.
func damaged(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// errorsOf gives errors of reading their name.
type errorsOf struct{ r io.Reader }

func (e errorsOf) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged(err)
	}
	return n, err
}

// finish reads the rest of a member.
func (r *reader) finish() error {
	if r.sum == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, r.body); err != nil {
		return err
	}
	r.member.SHA256 = hexSum(r.sum)
	r.done = append(r.done, r.member)
	r.sum = nil
	return nil
}

// Verify reads a file and compares it with its manifest, which it returns.
func Verify(ctx context.Context, file string) (*Manifest, error) {
	r, err := openReader(ctx, file)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var m *Manifest
	for {
		member, body, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if m != nil {
			return nil, fmt.Errorf("%w: there is something behind the manifest", errDamaged)
		}
		if member.Name != manifestName {
			continue
		}
		if err := r.compareWith(body, &m); err != nil {
			return nil, err
		}
	}
	if m == nil {
		return nil, fmt.Errorf("%w: there is no manifest", errDamaged)
	}
	return m, nil
}

// compareWith reads the manifest and compares it with the members before it.
func (r *reader) compareWith(body io.Reader, to **Manifest) error {
	b, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err != nil {
		return err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil || len(b) > maxManifest {
		return fmt.Errorf("%w: the manifest cannot be read", errDamaged)
	}
	if m.Format > format {
		return fmt.Errorf("the backup was made by a newer Waymark, %s: restore it with that version: %w", m.Version, data.ErrConflict)
	}
	if len(m.Members) != len(r.done) {
		return fmt.Errorf("%w: it has %d members, its manifest says %d", errDamaged, len(r.done), len(m.Members))
	}
	for i, want := range m.Members {
		if have := r.done[i]; have != want {
			return fmt.Errorf("%w: %s is not what was backed up", errDamaged, want.Name)
		}
	}
	*to = &m
	return nil
}
