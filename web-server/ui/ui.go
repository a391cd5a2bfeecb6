// Package ui serves the web page: one index.html for every address of the page
// and, beside it, files whose names carry the hash of their content.
//
// The page is built from src/ and vendor/ into dist/, which is committed, so
// that building Waymark needs nothing but Go. See README.md.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/waymark-gps/waymark/web-server/coding"
)

//go:embed dist
var dist embed.FS

// CSP is the Content-Security-Policy the page is written for: no inline script
// or style, no eval, no foreign host. Handler sends it with every answer.
const CSP = "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; connect-src 'self'; " +
	"worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheAsk     = "no-cache"
)

// types of what dist/ holds. The machine's own table is not asked: it may call
// a module text/plain, which browsers refuse to run.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// file is a file in one or more forms.
type file struct {
	contentType string
	etag        string
	plain       []byte // nil if it is carried as gzip instead
	brotli      []byte // nil if it is not carried so
	gzipOnce    sync.Once
	gzip        []byte // nil if it is not smaller
}

// Handler serves the embedded page. /assets/ holds the hashed files; any other
// address without an extension is a page and gets index.html; the rest,
// and /api, is 404.
func Handler() http.Handler {
	files := map[string][]byte{}
	err := fs.WalkDir(dist, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := dist.ReadFile(name)
		files[strings.TrimPrefix(name, "dist/")] = b
		return err
	})
	if err != nil {
		panic(fmt.Errorf("read embedded page: %w", err)) // Embedded at build time: cannot fail.
	}
	return newHandler(files)
}

func newHandler(contents map[string][]byte) http.Handler {
	h := make(handler, len(contents))
	for form, b := range contents {
		name := strings.TrimSuffix(strings.TrimSuffix(form, ".gz"), ".br")
		f := h["/"+name]
		if f == nil {
			f = &file{contentType: types[path.Ext(name)]}
			h["/"+name] = f
		}
		switch strings.TrimPrefix(form, name) {
		case ".br":
			f.brotli = b
			continue
		case ".gz":
			f.gzip = b
		default:
			f.plain = b
		}
		sum := sha256.Sum256(b)
		f.etag = `"` + hex.EncodeToString(sum[:8]) + `"`
	}
	return h
}

// handler maps the address of a file to it.
type handler map[string]*file

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", CSP)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	p := path.Clean("/" + r.URL.Path)
	if f := h[p]; f != nil && strings.HasPrefix(p, "/assets/") {
		f.serve(w, r, cacheForever)
		return
	}
	index := h["/index.html"]
	if index == nil || !isPage(p) {
		head.Set("Cache-Control", cacheAsk)
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	index.serve(w, r, cacheAsk)
}

// isPage tells addresses of the page from those of files and of the API.
func isPage(p string) bool {
	if p == "/index.html" {
		return true
	}
	for _, not := range []string{"/api", "/assets"} {
		if p == not || strings.HasPrefix(p, not+"/") {
			return false
		}
	}
	return path.Ext(p) == ""
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, cache string) {
	head := w.Header()
	head.Set("Cache-Control", cache)
	head.Set("ETag", f.etag)
	head.Add("Vary", "Accept-Encoding")
	if match(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", f.contentType)
	switch name := coding.Choose(r.Header, f.codings()...); name {
	case "br":
		head.Set("Content-Encoding", name)
		send(w, r, f.brotli)
		return
	case "gzip":
		head.Set("Content-Encoding", name)
		send(w, r, f.gzip)
		return
	}
	if f.plain != nil {
		send(w, r, f.plain)
		return
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodGet {
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(f.gzip))
	if err == nil {
		_, err = io.Copy(w, plain)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // The client is gone, or must not take half a file for a whole one.
	}
}

func send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // The client is gone; nobody is left to tell.
	}
}

// codings are the content codings it is carried in, the smallest first. What is
// not carried as gzip is compressed once, at the first request.
func (f *file) codings() (names []string) {
	if f.brotli != nil {
		names = append(names, "br")
	}
	f.gzipOnce.Do(f.compress)
	if f.gzip != nil {
		names = append(names, "gzip")
	}
	return names
}

// compress makes the gzip form of what has none, if that is smaller.
func (f *file) compress() {
	if f.gzip != nil {
		return
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // The level is valid.
	if _, err := z.Write(f.plain); err != nil {
		return
	}
	if err := z.Close(); err == nil && b.Len() < len(f.plain) {
		f.gzip = b.Bytes()
	}
}

func match(ifNoneMatch, etag string) bool {
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
