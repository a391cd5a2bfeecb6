package ulogger

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// The cookie of the sign-in brings user and password with the next requests.
func TestSignIn(t *testing.T) {
	set := map[string]string{}
	r := &protocol.Request{
		Path: "/client/index.php", Body: []byte("action=auth&user=anna&pass=my+secret"),
		SetHeader: func(name, value string) { set[name] = value },
	}
	packet, err := read(r, time.Time{})
	if err != nil || packet.Identity != "anna" || secret(r) != "my secret" || !claims(r) {
		t.Fatalf("%+v, %v", packet, err)
	}
	value, attributes, _ := strings.Cut(set["Set-Cookie"], ";")
	if !strings.Contains(attributes, "HttpOnly") || set["Content-Type"] != "application/json" {
		t.Errorf("answer: %v", set)
	}
	next := &protocol.Request{Body: []byte("action=addpos&lat=1&lon=2"), Header: func(name string) string {
		if name == "Cookie" {
			return "other=1; " + value
		}
		return ""
	}}
	packet, err = read(next, time.Time{})
	if err != nil || packet.Identity != "anna" || secret(next) != "my secret" || len(packet.Positions) != 1 {
		t.Errorf("%+v, %v", packet, err)
	}
	next.Header = func(string) string { return "ulogger=%%%" }
	if packet, err = read(next, time.Time{}); err != nil || packet.Identity != "" || packet.RefusalStatus != 401 {
		t.Errorf("without a cookie: %+v, %v", packet, err)
	}
}

func TestRefusals(t *testing.T) {
	for contentType, body := range map[string]string{"": "action=delete", "multipart/form-data; boundary=b": "--b\r\nx", "multipart/form-data": "x"} {
		if _, err := read(&protocol.Request{ContentType: contentType, Body: []byte(body)}, time.Time{}); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
