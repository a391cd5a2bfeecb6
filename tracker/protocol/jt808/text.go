package jt808

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// decodeText reads the text messages of e-locks, which are told the time if
// they ask for it.
func decodeText(frame []byte, now time.Time) (data.Packet, error) {
	content := bytes.TrimSuffix(frame[1:], []byte(")"))
	id, rest, ok := bytes.Cut(content, []byte(","))
	identity := protocol.Text(id)
	if !ok || identity == "" || len(frame) > maxText {
		return data.Packet{}, fmt.Errorf("decode text: no id and comma in front: %w", protocol.ErrNoIdentity)
	}
	packet := data.Packet{Identity: identity}
	if fields := strings.Split(string(rest), ","); len(fields) >= 3 && fields[len(fields)-1] == "TIME" && fields[len(fields)-3] == "BASE" {
		answer := append(make([]byte, 0, len(frame)+12), '(')
		answer = append(answer, bytes.TrimSuffix(content, []byte("TIME"))...)
		answer = now.UTC().AppendFormat(answer, "20060102150405")
		packet.Reply = append(answer, ')')
	}
	return packet, nil
}

// text stores text without blanks and control characters at its ends.
func (r *reader) text(key string, b []byte) { r.p.Attributes.SetString(key, protocol.Text(b)) }

func utf16Text(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return protocol.Text([]byte(string(utf16.Decode(units))))
}

// gbkText reads a text in GBK, or the part of GB18030 beyond it. What is none
// becomes the replacement character.
func gbkText(b []byte) string {
	out, _ := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	return protocol.Text(out)
}

// appendGBK appends a text in GBK. Characters that GBK does not have, and
// control characters, are an error.
func appendGBK(b, text []byte) ([]byte, error) {
	for _, c := range text {
		if c < ' ' || c == 0x7F {
			return nil, data.ErrInvalid
		}
	}
	out, err := simplifiedchinese.GBK.NewEncoder().Bytes(text)
	return append(b, out...), err
}

// printable keeps the printable ASCII of a text.
func printable(b []byte) string {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		if c >= ' ' && c < 0x7F {
			out = append(out, c)
		}
	}
	return protocol.Text(out)
}
