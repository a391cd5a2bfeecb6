package coding

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// minSize is the size from which an answer is compressed, in bytes: below it
	// fits into a packet either way.
	minSize = 1 << 10
	// zstdWindow bounds the memory of an encoder, and of the client's decoder.
	zstdWindow = 128 << 10
	// gzipLevel is where more effort begins to cost much and save little.
	gzipLevel = 3
)

// encoder compresses. Reset makes it ready for another answer.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(to io.Writer)
}

// pools keep encoders for the next answer: new ones cost more than most answers.
var pools = map[string]*sync.Pool{
	"zstd": {New: func() any {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
		return must(z, err)
	}},
	"br": {New: func() any { return newBrotli() }},
	"gzip": {New: func() any {
		z, err := gzip.NewWriterLevel(io.Discard, gzipLevel)
		return must(z, err)
	}},
}

func must(e encoder, err error) encoder {
	if err != nil {
		panic(fmt.Errorf("set up compression: %w", err)) // the settings above are wrong
	}
	return e
}

// Compress makes a middleware that compresses answers that are of one of the
// content types, whatever their parameters, and not small. Where a client likes
// several codings alike it gets zstd, which takes the least time, before br,
// which is the smallest, before gzip.
//
// ETags of these answers must be weak: all codings have the same.
func Compress(types []string) func(http.Handler) http.Handler {
	kinds := make([]string, len(types))
	for i, t := range types {
		kinds[i] = kindOf(t)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Accept-Encoding")
			name := Choose(r.Header, "zstd", "br", "gzip")
			if name == "" {
				next.ServeHTTP(w, r)
				return
			}
			c := &writer{ResponseWriter: w, coding: name, kinds: kinds}
			defer c.release()
			next.ServeHTTP(c, r)
			c.close()
		})
	}
}

// kindOf is a content type without its parameters.
func kindOf(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// writer is an http.ResponseWriter that compresses if the answer is worth it.
type writer struct {
	http.ResponseWriter
	coding string
	kinds  []string
	// held is the beginning of the answer while nobody knows yet whether to
	// compress it, code its status.
	held []byte
	code int
	// decided says that the header is out; to compresses, nil for a plain answer.
	decided bool
	to      encoder
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(code int) {
	switch {
	case code < http.StatusOK: // is followed by another one
		w.ResponseWriter.WriteHeader(code)
	case w.code == 0:
		w.code = code
	}
}

func (w *writer) Write(p []byte) (int, error) {
	if !w.decided {
		if len(w.held)+len(p) < minSize {
			w.held = append(w.held, p...)
			return len(p), nil
		}
		if err := w.decide(w.compressible()); err != nil {
			return 0, err
		}
	}
	if w.to == nil {
		return w.ResponseWriter.Write(p)
	}
	return w.to.Write(p)
}

// compressible tells whether an answer that is long enough is to be compressed.
func (w *writer) compressible() bool {
	h := w.Header()
	return slices.Contains(w.kinds, kindOf(h.Get("Content-Type"))) && h.Get("Content-Encoding") == "" && h.Get("Content-Range") == ""
}

// decide sends the header and what was held.
func (w *writer) decide(compress bool) error {
	w.decided = true
	if compress {
		h := w.Header()
		h.Set("Content-Encoding", w.coding)
		h.Del("Content-Length")
		h.Del("Accept-Ranges")
		w.to = pools[w.coding].Get().(encoder)
		w.to.Reset(w.ResponseWriter)
	}
	if w.code != 0 {
		w.ResponseWriter.WriteHeader(w.code)
	}
	if len(w.held) == 0 {
		return nil
	}
	held := w.held
	w.held = nil
	if w.to != nil {
		_, err := w.to.Write(held)
		return err
	}
	_, err := w.ResponseWriter.Write(held)
	return err
}

// FlushError sends everything that was written. It is for
// http.ResponseController. What is flushed goes on, so its size is not known
// and it is compressed if it may be.
func (w *writer) FlushError() error {
	if !w.decided {
		if err := w.decide(len(w.held) > 0 && w.compressible()); err != nil {
			return err
		}
	}
	if w.to != nil {
		if err := w.to.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// close ends the answer.
func (w *writer) close() {
	var err error
	if !w.decided {
		err = w.decide(false)
	}
	if w.to != nil {
		err = errors.Join(err, w.to.Close())
	}
	_ = err // the client has gone: nobody is left to tell
}

// release gives the encoder back, also of an answer that was cut off: the
// client must not get the end of it.
func (w *writer) release() {
	if w.to != nil {
		w.to.Reset(io.Discard)
		pools[w.coding].Put(w.to)
		w.to = nil
	}
}
