package protocol

import (
	"errors"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func TestCustom(t *testing.T) {
	hex := data.Attribute{Key: "hex", Value: data.Bool(true)}
	content := func(s string) data.Attribute { return data.Attribute{Key: "data", Value: data.String(s)} }
	for name, c := range map[string]struct {
		attributes data.Attributes
		want       string
	}{
		"text":                {data.Attributes{content("0102")}, "0102"},
		"bytes":               {data.Attributes{content("31 3233"), hex}, "123"},
		"hex that is not set": {data.Attributes{content("31"), {Key: "hex", Value: data.Bool(false)}}, "31"},
		"empty":               {data.Attributes{hex}, ""},
		"no text":             {data.Attributes{{Key: "data", Value: data.Int(5)}}, ""},
		"no hex":              {data.Attributes{content("xy"), hex}, ""},
		"too long":            {data.Attributes{content("12345")}, ""},
	} {
		b, err := Custom(data.Command{Type: "custom", Attributes: c.attributes}, 4)
		if string(b) != c.want || (err != nil) != (c.want == "") || err != nil && !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if _, err := CustomFrame(data.Command{Attributes: data.Attributes{content("31")}}, 4); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("a frame in words: %v", err)
	}
	if b, err := CustomFrame(data.Command{Attributes: data.Attributes{content("31"), hex}}, 4); err != nil || string(b) != "1" {
		t.Errorf("a frame: %q, %v", b, err)
	}
}

func TestPassword(t *testing.T) {
	with := data.Command{Attributes: data.Attributes{{Key: "devicePassword", Value: data.String("a")}}}
	for want, got := range map[string]string{
		"a":       Password(with, Settings{"password": "b"}, "factory"),
		"b":       Password(data.Command{}, Settings{"password": "b"}, "factory"),
		"123456":  Password(data.Command{}, Settings{"password": 123456.0}, "factory"),
		"factory": Password(data.Command{}, Settings{"password": ""}, "factory"),
	} {
		if got != want {
			t.Errorf("password %q, want %q", got, want)
		}
	}
}
