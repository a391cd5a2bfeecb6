package coding

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		accept []string
		want   string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"gzip"}, "gzip"},
		{[]string{"x-gzip"}, "gzip"},
		{[]string{"gzip, deflate, br, zstd"}, "zstd"}, // browsers
		{[]string{"gzip, deflate, br"}, "br"},         // browsers of 2020, aiohttp
		{[]string{"GZIP, BR"}, "br"},
		{[]string{"gzip", "br"}, "br"}, // two lines are one list
		{[]string{"br;q=0.5, gzip"}, "gzip"},
		{[]string{"br;q=0.5 , gzip ; q=0.6,zstd;q=0"}, "gzip"},
		{[]string{"gzip;Q=0.001"}, "gzip"},
		{[]string{"gzip;q=0"}, ""},
		{[]string{"gzip;q=0, *"}, "zstd"},
		{[]string{"*;q=0"}, ""},
		{[]string{"*"}, "zstd"},
		{[]string{"zstd;q=0.1, *;q=0.5"}, "br"},
		{[]string{"identity"}, ""},
		{[]string{"identity, gzip;q=0.5"}, ""},
		{[]string{"identity, gzip"}, "gzip"},
		{[]string{"identity;q=0.5, gzip"}, "gzip"},
		{[]string{"identity;q=0, deflate"}, ""},
		{[]string{"gzip;q=high"}, ""},
		{[]string{"gzip;q=2"}, ""},
		{[]string{"gzip;q=NaN"}, ""},
		{[]string{"brotli, gzipped"}, ""},
		{[]string{",;,=;q,"}, ""},
	} {
		if got := Choose(http.Header{"Accept-Encoding": test.accept}, "zstd", "br", "gzip"); got != test.want {
			t.Errorf("%q: %q instead of %q", test.accept, got, test.want)
		}
	}
	if got := Choose(http.Header{"Accept-Encoding": {"zstd, br;q=0.9, gzip;q=0.8"}}, "gzip"); got != "gzip" {
		t.Errorf("of what is at hand: %q", got)
	}
}

// list is a JSON list of some bytes, like those of positions.
func list(size int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	b := []byte{'['}
	for i := 0; len(b) < size; i++ {
		b = fmt.Appendf(b, `{"id":%d,"deviceId":%d,"latitude":%.6f,"longitude":%.6f,"address":null,"attributes":{"ignition":%t}},`,
			i, r.IntN(5), 52+r.Float64(), 13+r.Float64(), r.IntN(2) == 0)
	}
	return b[:size]
}

// decoder reads a coding.
func decoder(t testing.TB, name string, r io.Reader) io.Reader {
	t.Helper()
	var plain io.Reader
	var err error
	switch name {
	case "br":
		plain = brotli.NewReader(r)
	case "gzip":
		plain, err = gzip.NewReader(r)
	case "zstd":
		plain, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	case "":
		plain = r
	default:
		t.Fatalf("unknown coding %q", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

var testTypes = []string{"application/json", "text/csv; charset=utf-8"}

// ask asks a real server of handle, and gives the answer with its body as it came.
func ask(t *testing.T, handle http.HandlerFunc, accept string) (*http.Response, []byte, error) {
	t.Helper()
	s := httptest.NewServer(Compress(testTypes)(handle))
	defer s.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", accept)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func TestCompress(t *testing.T) {
	for _, name := range []string{"zstd", "br", "gzip"} {
		for _, size := range []int{0, 1, minSize - 1, minSize, 5000, brotliBlock, 1 << 20} {
			want := list(max(size, 1))[:size]
			res, body, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				w.Header().Set("Content-Length", strconv.Itoa(size))
				w.Header().Set("ETag", `W/"tag"`)
				w.WriteHeader(http.StatusAccepted)
				for part := want; len(part) > 0; part = part[min(len(part), 700):] {
					if _, err := w.Write(part[:min(len(part), 700)]); err != nil {
						t.Error(err)
					}
				}
			}, name)
			if err != nil || res.StatusCode != http.StatusAccepted || res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("ETag") != `W/"tag"` {
				t.Fatalf("%s of %d: %d %v %v", name, size, res.StatusCode, res.Header, err)
			}
			coding := res.Header.Get("Content-Encoding")
			if (coding == name) != (size >= minSize) || coding != "" && len(body)*2 > size {
				t.Errorf("%s of %d: %q, %d bytes", name, size, coding, len(body))
			}
			got, err := io.ReadAll(decoder(t, coding, bytes.NewReader(body)))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %d: came as %d, %v", name, size, len(got), err)
			}
		}
	}
}

// Some answers go out as they are.
func TestPlain(t *testing.T) {
	long := list(10 * minSize)
	for name, set := range map[string]func(http.ResponseWriter){
		"another type": func(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/zip") },
		"no type":      func(w http.ResponseWriter) { w.Header()["Content-Type"] = nil },
		"has a coding": func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "own") },
		"part of a file": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 0-10239/99999")
			w.WriteHeader(http.StatusPartialContent)
		},
	} {
		res, body, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			set(w)
			_, _ = w.Write(long)
		}, "br")
		if coding := res.Header.Get("Content-Encoding"); err != nil || coding != "" && coding != "own" || !bytes.Equal(body, long) {
			t.Errorf("%s: %q, %d bytes, %v", name, coding, len(body), err)
		}
	}
	for _, code := range []int{http.StatusNoContent, http.StatusNotModified} {
		res, body, err := ask(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }, "br, gzip")
		if err != nil || res.StatusCode != code || len(body) > 0 || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%d: %d, %v, %d bytes, %v", code, res.StatusCode, res.Header, len(body), err)
		}
	}
}

// What is flushed can be read while the answer goes on.
func TestFlush(t *testing.T) {
	for _, name := range []string{"zstd", "br", "gzip"} {
		read, parts := make(chan struct{}), [][]byte{list(3000)[:3000], []byte("short"), list(100_000), {}, list(1), list(2 * brotliBlock)}
		s := httptest.NewServer(Compress(testTypes)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			for _, part := range parts {
				if _, err := w.Write(part); err != nil {
					t.Error(err)
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				select {
				case <-read:
				case <-r.Context().Done():
					return
				}
			}
		})))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", name)
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("Content-Encoding"); got != name {
			t.Errorf("%s: %q", name, got)
		}
		plain := decoder(t, res.Header.Get("Content-Encoding"), res.Body)
		for i, part := range parts {
			got := make([]byte, len(part))
			if _, err := io.ReadFull(plain, got); err != nil || !bytes.Equal(got, part) {
				t.Fatalf("%s, part %d: %v", name, i, err)
			}
			read <- struct{}{}
		}
		if rest, err := io.ReadAll(plain); err != nil || len(rest) > 0 {
			t.Errorf("%s: ends with %d bytes, %v", name, len(rest), err)
		}
		res.Body.Close()
		s.Close()
	}
}

// An answer that is cut off is not taken for a whole one, and the next answer
// is not hurt by it.
func TestCutOff(t *testing.T) {
	for _, name := range []string{"zstd", "br", "gzip"} {
		for range 3 {
			_, body, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(list(5000))
				_ = http.NewResponseController(w).Flush()
				_, _ = w.Write([]byte("never sent"))
				panic(http.ErrAbortHandler)
			}, name)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %v", name, err)
			}
			got, err := io.ReadAll(decoder(t, name, bytes.NewReader(body)))
			if err == nil || !bytes.Equal(got, list(5000)) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			res, body, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(list(6000))
			}, name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(decoder(t, res.Header.Get("Content-Encoding"), bytes.NewReader(body))); err != nil || !bytes.Equal(got, list(6000)) {
				t.Errorf("%s, the next: %d bytes, %v", name, len(got), err)
			}
		}
	}
}

// FuzzBrotli writes anything in pieces, with flushes between them; a byte of
// cuts says how long a piece is and whether it is flushed.
func FuzzBrotli(f *testing.F) {
	f.Add([]byte("hello"), []byte{1, 131, 200})
	f.Add(list(brotliBlock+500), []byte{255, 64, 129})
	f.Add(make([]byte, brotliBlock), []byte{})
	f.Add([]byte(strings.Repeat("ab", 99)), bytes.Repeat([]byte{128}, 9))
	e := newBrotli()
	f.Fuzz(func(t *testing.T, plain, cuts []byte) {
		var out bytes.Buffer
		e.Reset(&out)
		rest := plain
		for _, c := range cuts {
			n := min(len(rest), int(c&127)*400)
			if got, err := e.Write(rest[:n]); got != n || err != nil {
				t.Fatal(got, err)
			}
			if rest = rest[n:]; c < 128 {
				continue
			}
			if err := e.Flush(); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(plain)-len(rest))
			if _, err := io.ReadFull(brotli.NewReader(bytes.NewReader(out.Bytes())), got); err != nil || !bytes.Equal(got, plain[:len(got)]) {
				t.Fatalf("flushed %d bytes: %v", len(got), err)
			}
		}
		if _, err := e.Write(rest); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(brotli.NewReader(&out)); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d of %d bytes: %v", len(got), len(plain), err)
		}
		if _, err := e.Write([]byte{1}); err == nil {
			t.Error("wrote to what has ended")
		}
	})
}

// FuzzChoose: whatever a client accepts, it gets that or nothing.
func FuzzChoose(f *testing.F) {
	for _, accept := range []string{"gzip, deflate, br, zstd", "br;q=0.5 , gzip ; q=0.6,zstd;q=0", "*;q=0.1, identity", ",;=q,\x00"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		lower := strings.ToLower(accept)
		switch got := Choose(http.Header{"Accept-Encoding": {accept}}, "zstd", "br", "gzip"); got {
		case "":
		case "zstd", "br", "gzip":
			if !strings.Contains(lower, got) && !strings.Contains(lower, "*") {
				t.Errorf("%q: %q", accept, got)
			}
		default:
			t.Errorf("%q: %q", accept, got)
		}
	})
}
