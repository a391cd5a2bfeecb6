package bundle

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/andybalholm/brotli"
)

// From these sizes in bytes a file is carried as brotli too, and instead of
// plain as gzip, which everything that unpacks knows: the program is smaller by
// what is carried packed, and the page comes sooner.
const (
	brotliFrom = 16 << 10
	gzipFrom   = 64 << 10
)

// Forms names the forms of a file of some size that dist/ holds.
func Forms(name string, size int) (forms []string) {
	if size < gzipFrom {
		forms = append(forms, name)
	} else {
		forms = append(forms, name+".gz")
	}
	if size >= brotliFrom {
		forms = append(forms, name+".br")
	}
	return forms
}

// Pack returns a file of Build in one of its forms.
func Pack(form string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch path.Ext(form) {
	case ".gz":
		w, err = gzip.NewWriterLevel(&b, gzip.BestCompression)
	case ".br":
		w = brotli.NewWriterLevel(&b, brotli.BestCompression)
	default:
		return content, nil
	}
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", form, err)
	}
	return b.Bytes(), nil
}

// Unpack returns a form's file and its content.
func Unpack(form string, content []byte) (name string, plain []byte, err error) {
	var r io.Reader = bytes.NewReader(content)
	switch name = form; path.Ext(form) {
	case ".gz":
		name = strings.TrimSuffix(form, ".gz")
		if r, err = gzip.NewReader(r); err != nil {
			return "", nil, fmt.Errorf("unpack %s: %w", form, err)
		}
	case ".br":
		name, r = strings.TrimSuffix(form, ".br"), brotli.NewReader(r)
	}
	if plain, err = io.ReadAll(r); err != nil {
		return "", nil, fmt.Errorf("unpack %s: %w", form, err)
	}
	return name, plain, nil
}
