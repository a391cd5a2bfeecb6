package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestValueKinds(t *testing.T) {
	for _, c := range []struct {
		v    Value
		kind Kind
		json string
		text string
	}{
		{Value{}, KindNone, "null", ""},
		{Bool(true), KindBool, "true", "true"},
		{Bool(false), KindBool, "false", "false"},
		{Int(0), KindInt, "0", "0"},
		{Int(math.MinInt64), KindInt, "-9223372036854775808", "-9223372036854775808"},
		{Float(1), KindFloat, "1.0", "1.0"},
		{Float(12.6), KindFloat, "12.6", "12.6"},
		{Float(1e-7), KindFloat, "1e-07", "1e-07"},
		{Float(1e21), KindFloat, "1e+21", "1e+21"},
		{Float(math.NaN()), KindNone, "null", ""},
		{Float(math.Inf(-1)), KindNone, "null", ""},
		{String("a\"\\\n\x7f☃"), KindString, `"a\"\\\u000a\u007f☃"`, "a\"\\\n\x7f☃"},
		{String("\xff"), KindString, `"�"`, "\xff"},
	} {
		if have := c.v.Kind(); have != c.kind {
			t.Errorf("%v: kind %d, want %d", c.v, have, c.kind)
		}
		if have := string(c.v.AppendJSON(nil)); have != c.json {
			t.Errorf("%v: JSON %s, want %s", c.v, have, c.json)
		}
		if have := c.v.String(); have != c.text {
			t.Errorf("text %q, want %q", have, c.text)
		}
	}
	if f, ok := Int(3).Float(); !ok || f != 3 {
		t.Error("an integer is a number too")
	}
	if _, ok := Float(3).Int(); ok {
		t.Error("a number is not an integer")
	}
	if _, ok := String("true").Bool(); ok {
		t.Error("a text is not a boolean")
	}
}

func TestAttributesSet(t *testing.T) {
	var a Attributes
	a.SetInt("sat", 7)
	a.SetBool("ignition", false)
	a.SetString("vin", "W1")
	a.SetInt("sat", 8)
	a.SetString("vin", "")
	a.Set("absent", Value{})
	a.SetFloat("power", math.NaN())
	if have, want := string(a.AppendJSON(nil)), `{"sat":8,"ignition":false}`; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	if b, ok := a.Get("ignition").Bool(); !ok || b {
		t.Error("false is a value")
	}
	if a.Get("vin").Kind() != KindNone {
		t.Error("an empty text removes")
	}
}

func TestAddAlarm(t *testing.T) {
	var a Attributes
	for _, kind := range []string{"", "sos", "powerCut", "sos", "so"} {
		a.AddAlarm(kind)
	}
	if have, _ := a.Get("alarm").Text(); have != "sos,powerCut,so" {
		t.Errorf("have %q", have)
	}
}

func TestParseAttributes(t *testing.T) {
	deep := Attributes{{"a", Int(1)}, {"b", Float(1)}, {"c", String("x\ny ☃😀")}, {"d", Bool(true)}, {"e", Bool(false)}}
	for text, want := range map[string]Attributes{
		`{"a":1,"b":1.0,"c":"x\ny \u2603\ud83d\ude00","d":true,"e":false,"f":null}`: deep,
		" {\t\"a\" : 1 ,\n\"b\":1e0,\"c\":\"x\\ny ☃😀\",\"d\":true,\"e\":false\r} ":  deep,
		`{}`:                                  nil,
		`null`:                                nil,
		`{"a":1,"a":2}`:                       {{"a", Int(2)}},
		`{"a":1,"a":null}`:                    nil,
		`{"a":1,"b":2,"a":null,"c":3}`:        {{"b", Int(2)}, {"c", Int(3)}},
		`{"a":-0}`:                            {{"a", Int(0)}},
		`{"a":9223372036854775807}`:           {{"a", Int(math.MaxInt64)}},
		`{"a":9223372036854775808}`:           {{"a", Float(9223372036854775808)}},
		`{"a":-1.5E+3}`:                       {{"a", Float(-1500)}},
		`{"a":"\ud800"}`:                      {{"a", String("�")}},
		"{\"a\":\"\xff\"}":                    {{"a", String("�")}},
		`{"\u0061":1}`:                        {{"a", Int(1)}},
		`{"io240":1,"ignition":true,"":"\/"}`: {{"io240", Int(1)}, {"ignition", Bool(true)}, {"", String("/")}},
	} {
		have, err := ParseAttributes([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if len(have)+len(want) > 0 && !reflect.DeepEqual(have, want) {
			t.Errorf("%s: have %v, want %v", text, have, want)
		}
	}
	for _, text := range []string{
		``, ` `, `{`, `}`, `[]`, `1`, `"a"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":1}x`,
		`{"a":{}}`, `{"a":[]}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`, `{"a":1e999}`,
		`{"a":"x`, `{"a":"x\`, `{"a":"\x"}`, `{"a":"\u12"}`, "{\"a\":\"\n\"}", `{"a":tru}`, `{"a":truex}`, `nulls`, `{"a":NaN}`,
		"{\"a\":1}\x00", "{\"a\x00\":1}", `{"a":1,"b`, "{\x00}",
	} {
		if have, err := ParseAttributes([]byte(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: have %v, error %v; want ErrInvalid", text, have, err)
		}
	}
}

// Keys beyond the few take another way, with the same meaning.
func TestParseManyAttributes(t *testing.T) {
	const n = 3000
	var text strings.Builder
	text.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&text, `"key%d":%d,`, i, i)
	}
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&text, `"key%d":null,`, i)
		case 1:
			fmt.Fprintf(&text, `"key%d":"x",`, i)
		}
	}
	text.WriteString(`"last":true}`)
	have, err := ParseAttributes([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if want := n - n/3 + 1; len(have) != want {
		t.Fatalf("%d attributes, want %d", len(have), want)
	}
	for i := range n {
		want := [...]Value{{}, String("x"), Int(int64(i))}[i%3]
		if v := have.Get(fmt.Sprint("key", i)); v != want {
			t.Fatalf("key%d is %v, want %v", i, v, want)
		}
	}
}

func TestUnmarshalAttributes(t *testing.T) {
	var body struct {
		Attributes Attributes `json:"attributes"`
		Absent     Attributes `json:"absent"`
	}
	if err := json.Unmarshal([]byte(`{"attributes":{"a":1.0,"b":null}, "absent":null}`), &body); err != nil {
		t.Fatal(err)
	}
	if have, want := body.Attributes, (Attributes{{"a", Float(1)}}); !reflect.DeepEqual(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	if err := json.Unmarshal([]byte(`{"attributes":{"a":[1]}}`), &body); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v, want ErrInvalid", err)
	}
	again, err := json.Marshal(Attributes{{"a", Float(2)}})
	if err != nil || string(again) != `{"a":2.0}` {
		t.Errorf("%s, %v", again, err)
	}
}

// encodingJSON is ParseAttributes by way of encoding/json.
func encodingJSON(b []byte) (map[string]Value, error) {
	if !json.Valid(b) {
		return nil, errors.New("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	first, err := dec.Token()
	if err != nil {
		return nil, err
	}
	out := map[string]Value{}
	if first == nil {
		return out, nil
	}
	if first != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key := token.(string)
		if token, err = dec.Token(); err != nil {
			return nil, err
		}
		switch v := token.(type) {
		case nil:
			delete(out, key)
		case bool:
			out[key] = Bool(v)
		case string:
			out[key] = String(v)
		case json.Number:
			if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
				out[key] = Int(i)
				continue
			}
			f, err := v.Float64()
			if err != nil {
				return nil, err
			}
			out[key] = Float(f)
		default:
			return nil, errors.New("nested")
		}
	}
	return out, nil
}

func FuzzParseAttributes(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"ignition":true,"sat":9,"power":12.6,"alarm":"sos"}`, `{"a":1,"a":null,"b":[1]}`,
		`{"\ud800":"\u0000\xff","x":-1e-5} `, `{"a":99999999999999999999}`, `{"a":1e400}`, `{"a":01}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		have, err := ParseAttributes(b)
		want, wantErr := encodingJSON(b)
		if wantErr == nil && err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if wantErr != nil {
			if err == nil {
				t.Fatalf("%q: no error, want %v", b, wantErr)
			}
			return
		}
		if len(have) != len(want) {
			t.Fatalf("%q: have %v, want %v", b, have, want)
		}
		for _, a := range have {
			if w, ok := want[a.Key]; !ok || w != a.Value {
				t.Fatalf("%q: %q is %v, want %v", b, a.Key, a.Value, w)
			}
		}
		again, err := ParseAttributes(have.AppendJSON(nil))
		if err != nil || len(again) != len(have) || len(have) > 0 && !reflect.DeepEqual(again, have) {
			t.Fatalf("%q: %v after the journey, want %v (%v)", b, again, have, err)
		}
	})
}

const typical = `{"ignition":true,"sat":9,"power":12.6,"hdop":1.0,"alarm":"sos,powerCut","io240":1,"totalDistance":123456.7}`

func BenchmarkParseAttributes(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseAttributes([]byte(typical)); err != nil {
			b.Fatal(err)
		}
	}
}

// One list and the text of the alarm: known names cost nothing.
func TestParseAttributesAllocations(t *testing.T) {
	b := []byte(typical)
	if n := testing.AllocsPerRun(100, func() { ParseAttributes(b) }); n != 2 {
		t.Errorf("%v allocations, want 2", n)
	}
}

// TestParseAttributesLike: what others had changes nothing but the time it takes.
func TestParseAttributesLike(t *testing.T) {
	texts := []string{`{"sat":9,"hdop":1.5,"x y":true}`, `{"hdop":1.5,"sat":9}`, `{}`, `{"sat":9,"sat":8,"event":"a:b,c"}`, `{"s\u0061t":1,"hdop":2}`}
	for _, text := range texts {
		want, err := ParseAttributes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range texts {
			others, err := ParseAttributes([]byte(other))
			if err != nil {
				t.Fatal(err)
			}
			have, err := ParseAttributesLike([]byte(text), others)
			if err != nil || !slices.Equal(have, want) {
				t.Errorf("%s like %s: %v, want %v (%v)", text, other, have, want, err)
			}
		}
	}
}
