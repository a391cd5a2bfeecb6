package wialon

import "testing"

func TestMask(t *testing.T) {
	for frame, want := range map[string]string{
		"#L#860000000000018;geheim\r\n":          "geheim",
		"#L#2.0;860000000000018;geheim;1A2B\r\n": "geheim",
		"#L#2.0;860000000000018;;1A2B\r\n":       "",
		"#L#860000000000018":                     "",
		"#P#\r\n":                                "",
		"#L#2.0":                                 "",
	} {
		if from, to := Protocol().Mask([]byte(frame)); frame[from:to] != want {
			t.Errorf("%q: masked %q, want %q", frame, frame[from:to], want)
		}
	}
}
