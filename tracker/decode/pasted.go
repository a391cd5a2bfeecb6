package decode

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// pastedSession is the session of lines that are no records: they are taken as
// one connection, so that a login may come before what follows.
const pastedSession = "pasted"

// hexBytes reads hex digits in pairs, with blanks or colons between them, or
// 0x in front.
func hexBytes(s string) ([]byte, bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	s = strings.NewReplacer(" ", "", ":", "", "\t", "").Replace(s)
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) > 0
}

// pasted reads the bytes of one or more messages, in hex or as text.
func (r *runner) pasted(line string) result {
	res := result{session: pastedSession, seq: r.number}
	codec, err := r.session(pastedSession).Codec(&recording.Record{})
	if err != nil {
		res.err = err
		return res
	}
	b, isHex := hexBytes(line)
	if !isHex {
		// The end of the line was the end of the message, in many protocols.
		b = []byte(line + "\r\n")
	}
	for rest, now := b, r.now(); ; {
		frame, n, err := codec.Next(rest)
		switch {
		case err != nil:
			res.err = fmt.Errorf("%w; is it %s at all?", err, r.protocol.Name)
			return res
		case n > 0:
			if frame != nil {
				res.frame = append(res.frame, frame...)
				packet, err := codec.Decode(frame, now)
				res.take(&packet, err, now)
			}
			rest = rest[n:]
			continue
		case res.frame == nil:
			// Perhaps a message whose delimiters were lost on the way to here;
			// if it is none, the decoder says why.
			packet, err := codec.Decode(b, now)
			res.take(&packet, err, now)
		case len(rest) > 0 && isHex:
			res.err = fmt.Errorf("%d bytes at the end are no whole message: %w", len(rest), data.ErrInvalid)
		}
		return res
	}
}

// pastedRequest reads a URL, a query or a JSON body.
func (r *runner) pastedRequest(line string) result {
	res := result{session: pastedSession, seq: r.number}
	request := &protocol.Request{Method: "GET", Path: "/", Header: func(string) string { return "" }}
	if strings.HasPrefix(line, "{") {
		request.Method, request.ContentType, request.Body = "POST", "application/json", []byte(line)
	} else {
		line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "GET "), "POST "), " HTTP/")
		if _, query, ok := strings.Cut(line, "?"); ok {
			line = query
		}
		request.Query = line
	}
	packet, err := r.protocol.HTTP(request, r.now())
	res.take(&packet, err, r.now())
	return res
}
