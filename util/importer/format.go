package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Formats are the names of the formats that Read knows.
var Formats = []string{"geojson", "google", "gpx", "owntracks"}

// readers read a format each.
var readers = map[string]func(*input) error{
	"gpx": readGPX, "geojson": readGeoJSON, "owntracks": readOwnTracks, "google": readGoogle,
}

// input is a file that is being read.
type input struct {
	*Guard
	ctx  context.Context
	name string // for people
	to   *Writer
	// device and protocol are given to all positions.
	device   int64
	protocol string
}

func (in *input) add(p data.Position, where string) error {
	p.DeviceID, p.Protocol, p.Valid = in.device, in.protocol, true
	return in.to.Add(in.ctx, p, in.name+", "+where)
}

func (in *input) skip(reason, where string) { in.to.Skip(reason, in.name+", "+where) }

// ReadFile reads a file, which may be compressed with gzip; "-" is standard
// input. What was read before an error is stored.
func ReadFile(ctx context.Context, format, path string, deviceID int64, to *Writer) error {
	if path == "-" {
		return Read(ctx, format, "standard input", os.Stdin, deviceID, to)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer f.Close()
	return Read(ctx, format, filepath.Base(path), f, deviceID, to)
}

// Read reads the positions of one device. It takes bounded memory: an element
// of the file, not the file. Errors name the place in the file; a format that is
// not one of Formats is data.ErrInvalid.
func Read(ctx context.Context, format, name string, r io.Reader, deviceID int64, to *Writer) error {
	read := readers[format]
	if read == nil {
		return fmt.Errorf("format %q is not one of %v: %w", format, slices.Sorted(slices.Values(Formats)), data.ErrInvalid)
	}
	plain, err := unpack(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	in := &input{Guard: NewGuard(ctx, plain), ctx: ctx, name: name, to: to, device: deviceID, protocol: format}
	err = read(in)
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if stored := to.Flush(ctx); stored != nil && err == nil {
		err = stored
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// unpack reads through gzip, if it is that, and over a byte order mark.
func unpack(r io.Reader) (*bufio.Reader, error) {
	const size = 64 << 10
	b := bufio.NewReaderSize(r, size)
	if head, _ := b.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) { // RFC 1952, 2.3.1
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, size)
	}
	head, err := b.Peek(4)
	switch {
	case len(head) == 0 && err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		b.Discard(3)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, fmt.Errorf("it is a zip archive, unpack it first: %w", data.ErrInvalid)
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, fmt.Errorf("it is UTF-16, save it as UTF-8 first: %w", data.ErrInvalid)
	}
	return b, nil
}

// Guard bounds how much is read for one element, which parsers keep in memory.
// It also ends reading when its context ends.
type Guard struct {
	r    *bufio.Reader
	ctx  context.Context
	left int // bytes that may be read until the next element
	max  int
}

// NewGuard reads from r. The first call is Next.
func NewGuard(ctx context.Context, r io.Reader) *Guard {
	b, ok := r.(*bufio.Reader)
	if !ok {
		b = bufio.NewReader(r)
	}
	return &Guard{r: b, ctx: ctx}
}

// errTooLarge ends reading of a file that could take all memory.
var errTooLarge = fmt.Errorf("one element of the file is too large: %w", data.ErrInvalid)

// Next allows another element of that many bytes.
func (g *Guard) Next(max int) { g.left, g.max = max, max }

func (g *Guard) Read(b []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	if g.left <= 0 {
		return 0, fmt.Errorf("%w (more than %d MiB)", errTooLarge, g.max>>20)
	}
	n, err := g.r.Read(b[:min(len(b), g.left)])
	g.left -= n
	return n, err
}
