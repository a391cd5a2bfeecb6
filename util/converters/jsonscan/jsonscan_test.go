package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

// tree reads a value as encoding/json does into an any.
func tree(s *Scanner) any {
	switch s.Kind() {
	case Object:
		m := map[string]any{}
		for s.Object(); s.Member(); {
			key := string(s.Key())
			m[key] = tree(s)
		}
		return m
	case Array:
		list := []any{}
		for s.Array(); s.Element(); {
			list = append(list, tree(s))
		}
		return list
	}
	v := s.Value()
	switch v.Kind() {
	case Text:
		return v.Text()
	case Number:
		return json.Number(v.Raw())
	case Bool:
		b, _ := v.Bool()
		return b
	}
	return nil
}

// standard is what encoding/json makes of a text.
func standard(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var want any
	if err := decoder.Decode(&want); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return want, nil
}

// nested is how deep a text is nested at most.
func nested(text []byte) int { return bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{")) }

// FuzzScanner: what encoding/json takes is taken and means the same, whether it
// is read or left out; all else is refused.
func FuzzScanner(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if nested(text) >= MaxDepth {
			t.Skip("deeper than what is left out may be")
		}
		want, wantErr := standard(text)
		s := New(text)
		have := tree(&s)
		if err := s.End(); (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", text, err, wantErr)
		} else if err == nil && !reflect.DeepEqual(have, want) {
			t.Fatalf("%q: %#v, encoding/json reads %#v", text, have, want)
		}
		s = New(text)
		v := s.Value()
		if err := s.End(); (err == nil) != (wantErr == nil) {
			t.Fatalf("%q left out: %v, encoding/json says %v", text, err, wantErr)
		}
		if number, ok := want.(json.Number); ok && wantErr == nil {
			f, err := number.Float64()
			if have, ok := v.Float(); ok != (err == nil) || ok && have != f {
				t.Fatalf("%q: %v, want %v", text, have, f)
			}
			i, err := number.Int64()
			if have, ok := v.Int(); ok != (err == nil) || ok && have != i {
				t.Fatalf("%q: %v, want %v", text, have, i)
			}
		}
	})
}

var samples = []string{
	`{"a":1,"b":[true,false,null,-0.5e+3,"x\"\u00e4\ud83d\ude00\/"],"c":{"d":{}},"a":2}`, ` [ ] `, "{}", "[1,2", `"text"`, "-0", "01", "1.", "1e", "+1", ".5", "-",
	"", " ", "\x00", "nul", "truee", `{"a"}`, `{"a":}`, `{"a":1,}`, `[,1]`, `[1,]`, `[1 2]`, `{a:1}`, "\"\n\"", `"\x"`, `"\u12"`, "\"\xff\"", "{\"\xff\":1}",
	`{"a":1}{"b":2}`, "9223372036854775808", "1e400", `{"a":[{}]`, `]`, "[}", "{]", `{"\u0061":1}`, "\u00a01",
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1`:    "JSON ends at byte 6, want a comma or the end",
		`{"a" 1}`:   "JSON at byte 5 is '1', want a colon",
		`[tru]`:     "JSON at byte 1 is 't', want true or false",
		`"a\q"`:     "no other escapes",
		`[1] x`:     "JSON at byte 4 is 'x', want the end",
		"[\"a\nb\"": "no control characters",
		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1): "less depth",
	} {
		s := New([]byte(text))
		v := s.Value()
		if err := s.End(); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v, want %s", text, err, want)
		}
		if s.Member() || s.Element() || s.Value().Kind() != None {
			t.Errorf("%.20s: goes on after an error", text)
		}
		if strings.HasPrefix(want, "JSON ends") && v.Kind() != None {
			t.Errorf("%.20s: half a value", text)
		}
	}
	s := New([]byte("1"))
	if s.Object() || s.End() == nil {
		t.Error("a number is no object")
	}
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		text, words string
		kind        Kind
	}{
		{`"a b"`, "a b", Text}, {`"\u0061\/"`, "a/", Text}, {"12", "12", Number}, {"true", "", Bool}, {"null", "", Null}, {"[1]", "", Array}, {`{"a":1}`, "", Object},
	} {
		s := New([]byte(" " + c.text + " "))
		v := s.Value()
		if v.Kind() != c.kind || string(v.Words()) != c.words || string(v.Raw()) != c.text || s.End() != nil {
			t.Errorf("%s: kind %d, words %q, raw %s", c.text, v.Kind(), v.Words(), v.Raw())
		}
		if have := v.Is(c.words); have != (c.kind == Text) {
			t.Errorf("%s: is %q: %v", c.text, c.words, have)
		}
	}
}

// TestAllocations: reading makes nothing but the texts that are asked for.
func TestAllocations(t *testing.T) {
	text := []byte(samples[0][:len(`{"a":1,"b":[true,false,null,-0.5e+3`)] + `,"x"]}`)
	if n := testing.AllocsPerRun(100, func() {
		s := New(text)
		for s.Object(); s.Member(); {
			if v := s.Value(); string(s.Key()) == "a" {
				if f, ok := v.Float(); !ok || f != 1 {
					t.Error(f)
				}
			}
		}
		if s.End() != nil {
			t.Error(s.End())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
