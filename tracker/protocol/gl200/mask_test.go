package gl200

import "testing"

func TestMask(t *testing.T) {
	for frame, want := range map[string]string{
		"AT+GTRTO=gv200,1,,,,,,FFFF$":     "gv200",
		"AT+GTRTO=,1,,,,,,FFFF$":          "",
		"AT+GTRTO":                        "",
		"+RESP:GTFRI,1=2,868487004353181": "",
	} {
		if from, to := Protocol().Mask([]byte(frame)); frame[from:to] != want {
			t.Errorf("%q: masked %q, want %q", frame, frame[from:to], want)
		}
	}
}
