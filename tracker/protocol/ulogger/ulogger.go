// Package ulogger answers the μlogger app: a form to sign in, to begin a track,
// and for each position. README.md describes it.
package ulogger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/flat"
)

const (
	name = "ulogger"
	// maxBody bounds a request; pictures come with positions.
	maxBody = 1 << 20
	// maxField bounds a value of a form with a picture.
	maxField = 4 << 10
	path     = "/client/index.php"
	// cookie carries the user and the password of the sign-in, as HTTP Basic
	// would, so that nobody has to remember sessions.
	cookie       = "ulogger"
	unauthorized = 401
)

var (
	done    = []byte(`{"error":false}`)
	refused = []byte(`{"error":true,"message":"Unauthorized"}`)
)

// Protocol describes ulogger. It has no port of its own.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name: name, Transports: protocol.HTTP, MaxFrame: maxBody, HTTP: read,
		Phone: &protocol.Phone{Claims: claims, Secret: secret},
	}
}

func claims(r *protocol.Request) bool { return strings.HasSuffix(r.Path, path) }

// account is who asks: by the form of the sign-in, else by the cookie.
func account(r *protocol.Request, form []flat.Value) (user, password string) {
	if get(form, "action") == "auth" {
		return get(form, "user"), get(form, "pass")
	}
	if r.Header == nil {
		return "", ""
	}
	for _, pair := range strings.Split(r.Header("Cookie"), ";") {
		value, ok := strings.CutPrefix(strings.TrimSpace(pair), cookie+"=")
		if !ok {
			continue
		}
		plain, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil {
			return "", ""
		}
		user, password, _ = strings.Cut(string(plain), "\x00")
		return user, password
	}
	return "", ""
}

func secret(r *protocol.Request) string {
	form, err := fields(r)
	if err != nil {
		return ""
	}
	_, password := account(r, form)
	return password
}

// read reads one request.
func read(r *protocol.Request, now time.Time) (data.Packet, error) {
	form, err := fields(r)
	if err != nil {
		return data.Packet{}, err
	}
	r.SetAnswer("Content-Type", "application/json")
	user, password := account(r, form)
	packet := data.Packet{Identity: user, Reply: done, Refusal: refused, RefusalStatus: unauthorized}
	switch action := get(form, "action"); action {
	case "auth":
		value := base64.RawURLEncoding.EncodeToString([]byte(user + "\x00" + password))
		r.SetAnswer("Set-Cookie", cookie+"="+value+"; Path=/; HttpOnly; SameSite=Strict")
	case "addtrack":
		// The number only has to be another one for the next track.
		packet.Reply = fmt.Appendf(nil, `{"error":false,"trackid":%d}`, now.Unix()&math.MaxInt32)
	case "addpos":
		p, err := position(form)
		if err != nil {
			return data.Packet{}, err
		}
		packet.Positions = []data.Position{p}
	default:
		return data.Packet{}, fmt.Errorf("read action: want auth, addtrack or addpos: %w", data.ErrInvalid)
	}
	return packet, nil
}

func position(form []flat.Value) (data.Position, error) {
	values := make([]flat.Value, 0, len(form))
	for _, v := range form {
		switch v.Key {
		case "action", "image", "imagemeta":
		case "trackid":
			values = append(values, flat.Value{Key: "trackId", Text: v.Text})
		default:
			values = append(values, v)
		}
	}
	_, p, err := flat.Read(name, values)
	return p, err
}

func get(form []flat.Value, key string) string {
	for _, v := range form {
		if v.Key == key {
			return v.Text
		}
	}
	return ""
}

// fields reads the form; with a picture it comes in parts (RFC 7578), and the
// picture is left out.
func fields(r *protocol.Request) ([]flat.Value, error) {
	kind, parameters, err := mime.ParseMediaType(r.ContentType)
	if err != nil || kind != "multipart/form-data" {
		return flat.Form(string(r.Body))
	}
	parts := multipart.NewReader(bytes.NewReader(r.Body), parameters["boundary"])
	var out []flat.Value
	for len(out) < flat.MaxValues {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read parts: %w: %w", err, data.ErrInvalid)
		}
		if part.FileName() != "" {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, maxField))
		if err != nil {
			return nil, fmt.Errorf("read part: %w: %w", err, data.ErrInvalid)
		}
		out = append(out, flat.Value{Key: part.FormName(), Text: string(text)})
	}
	return nil, fmt.Errorf("read parts: more than %d: %w", flat.MaxValues, data.ErrInvalid)
}
