package files

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// ours is the namespace of what only we write and read.
const ours = "urn:waymark:geofence"

// maxDepth is how deep elements may lie in each other.
const maxDepth = 64

// shallow reads tokens as long as elements do not lie too deep in each other.
type shallow struct {
	from  *xml.Decoder
	depth int
}

// Token implements xml.TokenReader.
func (s *shallow) Token() (xml.Token, error) {
	t, err := s.from.RawToken()
	switch t.(type) {
	case xml.StartElement:
		if s.depth++; s.depth > maxDepth {
			return nil, wrong("elements of the file lie more than %d deep in each other", maxDepth)
		}
	case xml.EndElement:
		s.depth--
	case xml.Directive: // a DTD could say anything
		return nil, wrong("the file has a DTD")
	}
	return t, err
}

// readXML calls one for every element, wherever it lies, below the outermost,
// which must be root. What one decodes it is not called for again.
func readXML(b []byte, root string, one func(d *xml.Decoder, e *xml.StartElement) error) error {
	from := xml.NewDecoder(bytes.NewReader(b))
	from.CharsetReader = latin1
	d := xml.NewTokenDecoder(&shallow{from: from})
	begun := false
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && begun {
			return nil
		}
		if err != nil {
			return notXML(root, err)
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if !begun {
			if begun = true; !strings.EqualFold(e.Name.Local, root) {
				return wrong("the file is no %s: it begins with <%s>", strings.ToUpper(root), clip(e.Name.Local, 32))
			}
			continue
		}
		if err := one(d, &e); err != nil {
			return notXML(root, err)
		}
	}
}

func notXML(root string, err error) error {
	if errors.Is(err, data.ErrInvalid) {
		return err
	}
	return wrong("the file is no %s that can be read: %v", strings.ToUpper(root), err)
}

// latin1 reads the one old encoding that still occurs.
func latin1(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "us-ascii":
		return r, nil
	case "iso-8859-1", "latin1", "windows-1252":
		b, err := io.ReadAll(io.LimitReader(r, MaxBytes))
		if err != nil {
			return nil, err
		}
		var out strings.Builder
		for _, c := range b {
			out.WriteRune(rune(c))
		}
		return strings.NewReader(out.String()), nil
	}
	return nil, wrong("the file is written in %q: save it as UTF-8", clip(label, 32))
}

// escaped is a text for XML. Characters that XML cannot hold are replaced.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// marker is the area of a shape that is written as another one; empty if it is
// not.
func marker(shape wkt.Shape) string {
	if circle, ok := shape.(wkt.Circle); ok {
		return wkt.Format(circle)
	}
	return ""
}
