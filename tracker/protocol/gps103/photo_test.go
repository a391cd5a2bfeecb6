package gps103

import (
	"fmt"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestPhotos(t *testing.T) {
	const (
		imei  = "imei:860000000000018,"
		vt    = imei + "vt02,260601103000,,F,083000.000,A,5231.2000,N,01324.3000,E,0.54;"
		one   = imei + "vr%s0000beefffd8ffe00102030405cafe;"
		two   = imei + "vr%s0100beef060708ffd9cafe;"
		whole = "\xFF\xD8\xFF\xE0\x01\x02\x03\x04\x05\x06\x07\x08\xFF\xD9"
		first = "\xFF\xD8\xFF\xE0\x01\x02\x03\x04\x05"
	)
	for name, c := range map[string]struct {
		frames  []string
		content string
		last    bool
	}{
		"announced":              {[]string{vt, fmt.Sprintf(one, "02"), fmt.Sprintf(two, "02")}, whole, true},
		"not announced":          {[]string{fmt.Sprintf(one, "02"), fmt.Sprintf(two, "02")}, whole, true},
		"without the number":     {[]string{vt, fmt.Sprintf(one, ""), fmt.Sprintf(two, "")}, whole, true},
		"comma":                  {[]string{vt, fmt.Sprintf(one, ","), fmt.Sprintf(two, ",")}, whole, true},
		"half":                   {[]string{vt, fmt.Sprintf(one, "02")}, first, false},
		"beginning not seen":     {[]string{fmt.Sprintf(two, "02")}, "", false},
		"number of pieces lies":  {[]string{vt, fmt.Sprintf(one, "02"), imei + "vr020900beef060708ffd9cafe;"}, first, false},
		"another device between": {[]string{vt, "860000000000026;", fmt.Sprintf(two, "02")}, "", false},
		"torn":                   {[]string{vt, imei + "vr02;", imei + "vr020000beefff;", imei + "vr0200zz;"}, "", false},
	} {
		var frames [][]byte
		for _, text := range c.frames {
			frames = append(frames, []byte(text))
		}
		f, _ := protocoltest.File(t, Protocol(), frames...)
		if string(f.Content) != c.content || f.Last != c.last || len(c.content) > 0 && f.Kind != data.FileImage {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
