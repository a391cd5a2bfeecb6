// Package decode reads recorded or pasted device messages and writes what they
// say, one JSON line for each line read. It is what "waymark decode" runs.
package decode

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

const (
	// maxLine bounds a line in bytes; longer ones give an error.
	maxLine = recording.MaxLine
	// maxSessions bounds the sessions remembered; the oldest are forgotten.
	maxSessions = 10_000
)

// Run reads lines until the end of in, or until ctx ends (which it looks at
// between lines), and writes one line for each. A line is a record (package recording), or the bytes of messages in
// hex, or a text message, or for HTTP protocols a URL, a query or a JSON body.
// A line that cannot be read gives an output line with an error; Run itself
// fails only if the protocol is unknown or in or out fails. now is when the
// messages arrive.
//
// Output: {"session","seq","identity","positions":[...],"reply","frame","data","error"};
// positions are objects of the API, reply and frame hex, what there is none of
// is null.
func Run(ctx context.Context, in io.Reader, out io.Writer, protocolName string, now func() time.Time) error {
	p, ok := all.ByName(protocolName)
	if !ok {
		return fmt.Errorf("protocol %q is not known; known are %s: %w", protocolName, strings.Join(all.Names(), ", "), data.ErrNotFound)
	}
	r := runner{protocol: &p, now: now, sessions: map[string]*recording.Session{}}
	reader, writer := bufio.NewReaderSize(in, 64<<10), bufio.NewWriter(out)
	for {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, writer.Flush())
		}
		line, err := readLine(reader)
		if err != nil && !errors.Is(err, errLong) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, writer.Flush())
		}
		r.number++
		res := result{err: err}
		if err == nil {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			res = r.line(line)
		}
		if res.err != nil {
			res.err = fmt.Errorf("line %d: %w", r.number, res.err)
		}
		if _, err := writer.Write(res.appendJSON(nil)); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
		if reader.Buffered() == 0 { // somebody may be watching
			if err := writer.Flush(); err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
	}
}

var errLong = fmt.Errorf("longer than %d bytes: %w", maxLine, data.ErrInvalid)

// readLine reads a line without its end. A line that is too long is skipped
// and gives errLong.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	long := false
	for {
		piece, err := r.ReadSlice('\n')
		if long = long || len(line)+len(piece) > maxLine; !long {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("read line: %w", err)
		case err != nil && len(piece) == 0 && len(line) == 0 && !long:
			return "", io.EOF
		case long:
			return "", errLong
		}
		return string(line), nil
	}
}

// runner replays the lines.
type runner struct {
	protocol *protocol.Protocol
	now      func() time.Time
	number   int
	sessions map[string]*recording.Session
	order    []string // of sessions, oldest first
}

// result is one output line.
type result struct {
	session   string
	seq       int
	identity  string
	positions []data.Position
	reply     []byte
	frame     []byte
	data      string
	hasData   bool
	err       error
}

func (r *result) appendJSON(b []byte) []byte {
	b = append(b, `{"session":`...)
	b = data.AppendJSONString(b, r.session)
	b = fmt.Appendf(b, `,"seq":%d,"identity":`, r.seq)
	b = appendText(b, r.identity, r.identity != "")
	b = append(b, `,"positions":[`...)
	for i := range r.positions {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.positions[i].AppendJSON(b)
	}
	b = append(b, `],"reply":`...)
	b = appendText(b, hex.EncodeToString(r.reply), r.reply != nil)
	b = append(b, `,"frame":`...)
	b = appendText(b, hex.EncodeToString(r.frame), r.frame != nil)
	b = append(b, `,"data":`...)
	b = appendText(b, r.data, r.hasData)
	b = append(b, `,"error":`...)
	if r.err != nil {
		b = data.AppendJSONString(b, r.err.Error())
	} else {
		b = append(b, "null"...)
	}
	return append(b, '}', '\n')
}

func appendText(b []byte, s string, ok bool) []byte {
	if !ok {
		return append(b, "null"...)
	}
	return data.AppendJSONString(b, s)
}

// line reads one line of either form.
func (r *runner) line(line string) result {
	if strings.HasPrefix(line, "{") {
		var rec recording.Record
		err := json.Unmarshal([]byte(line), &rec)
		if err == nil && (rec.Dir != "" || rec.Data != "" || rec.URL != "") {
			return r.record(&rec)
		}
		if r.protocol.HTTP == nil {
			if err == nil {
				err = errors.New(`neither "dir" nor "data" is there`)
			}
			return result{err: fmt.Errorf("read record: %w: %w", err, data.ErrInvalid)}
		}
	}
	if r.protocol.HTTP != nil {
		return r.pastedRequest(line)
	}
	return r.pasted(line)
}

// session returns the session of a name; sessions keep one codec each.
func (r *runner) session(name string) *recording.Session {
	s := r.sessions[name]
	if s == nil {
		if len(r.order) >= maxSessions {
			delete(r.sessions, r.order[0])
			r.order = r.order[1:]
		}
		s = recording.NewSession(r.protocol)
		r.sessions[name] = s
		r.order = append(r.order, name)
	}
	return s
}

func (r *runner) record(rec *recording.Record) result {
	res := result{session: rec.Session, seq: rec.Seq}
	if rec.Protocol != "" && rec.Protocol != r.protocol.Name {
		res.err = fmt.Errorf("the record is of protocol %s, not %s: %w", rec.Protocol, r.protocol.Name, data.ErrInvalid)
		return res
	}
	if rec.Kind == "" {
		rec.Kind = "text"
		if _, ok := hexBytes(rec.Data); ok {
			rec.Kind = "hex"
		}
		if rec.URL != "" {
			rec.Kind = "http"
		}
	}
	s := r.session(rec.Session)
	switch rec.Dir {
	case "", "decode":
		packet, err := s.Decode(rec, r.now())
		res.take(&packet, err, r.now())
	case "frame":
		res.frame, res.err = s.Frame(rec)
		if errors.Is(res.err, recording.ErrNoFrame) {
			res.err = nil // a fair answer: more bytes are needed
		}
	case "frame-encode":
		res.frame, res.err = s.Escape(rec)
	case "encode":
		b, err := s.Encode(rec)
		if err != nil {
			res.err = err
			return res
		}
		res.hasData = true
		if res.data = string(b); rec.Kind == "hex" {
			res.data = hex.EncodeToString(b)
		}
	default:
		res.err = fmt.Errorf("direction %q is not decode, frame, frame-encode or encode: %w", rec.Dir, data.ErrInvalid)
	}
	return res
}

// take adds what a packet says.
func (r *result) take(packet *data.Packet, err error, now time.Time) {
	if err != nil {
		r.err = errors.Join(r.err, err)
		return
	}
	if packet.Identity != "" {
		r.identity = packet.Identity
	}
	positions := recording.All(packet)
	recording.Complete(positions, now)
	r.positions = append(r.positions, positions...)
	r.reply = append(r.reply, packet.Reply...)
}
