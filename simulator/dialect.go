package simulator

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/osmand"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
)

// dialect is the device's side of a protocol. A value serves any number of
// devices: what belongs to a connection is in its arguments.
type dialect interface {
	// login appends what is said first, nothing for some.
	login(b []byte, id string) []byte
	// report appends a message with a position.
	report(b []byte, host, id string, p *data.Position, serial uint16) []byte
	// await reads the answer: to the login if serial is 0, else to the report
	// with that number. reply is what the device says to a command that came
	// meanwhile. errRefused says that the server does not want the device.
	await(r *bufio.Reader, serial uint16) (reply []byte, err error)
}

// errRefused says that the server answered and refused.
var errRefused = errors.New("the server refused: is the device registered?")

const maxAnswer = 4 << 10

func dialectOf(protocol string) (dialect, error) {
	switch protocol {
	case "gt06":
		return gt06Dialect{}, nil
	case "teltonika":
		return teltonikaDialect{}, nil
	case "osmand":
		return osmandDialect{}, nil
	}
	return nil, fmt.Errorf("protocol %q: only gt06, teltonika and osmand can be simulated: %w", protocol, data.ErrInvalid)
}

type gt06Dialect struct{}

func (gt06Dialect) login(b []byte, id string) []byte { return gt06.AppendLogin(b, id, 0) }

func (gt06Dialect) report(b []byte, _, _ string, p *data.Position, serial uint16) []byte {
	return gt06.AppendPosition(b, p, serial)
}

func (gt06Dialect) await(r *bufio.Reader, serial uint16) (reply []byte, err error) {
	for {
		head, err := r.Peek(4)
		if err != nil {
			return reply, err
		}
		size := 5 + int(head[2])
		if head[0] == 0x79 {
			size = 6 + int(binary.BigEndian.Uint16(head[2:]))
		}
		frame, err := r.Peek(min(size, maxAnswer))
		if err != nil {
			return reply, err
		}
		kind, number, n := gt06.Answer(frame)
		if n == 0 {
			return reply, fmt.Errorf("read answer: %x is no gt06 frame: %w", frame, data.ErrInvalid)
		}
		command := kind == gt06.CommandType
		if command {
			reply = gt06.AppendResult(reply, "OK!", number)
		}
		if _, err := r.Discard(n); err != nil {
			return reply, err
		}
		if !command && number == serial {
			return reply, nil
		}
	}
}

type teltonikaDialect struct{}

func (teltonikaDialect) login(b []byte, id string) []byte { return teltonika.AppendLogin(b, id) }

func (teltonikaDialect) report(b []byte, _, _ string, p *data.Position, _ uint16) []byte {
	return teltonika.AppendPositions(b, []data.Position{*p})
}

func (teltonikaDialect) await(r *bufio.Reader, serial uint16) (reply []byte, err error) {
	if serial == 0 {
		accepted, err := r.ReadByte()
		if err == nil && accepted != 1 {
			err = errRefused
		}
		return nil, err
	}
	for {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return reply, err
		}
		if count := binary.BigEndian.Uint32(head[:]); count == 1 {
			return reply, nil
		} else if count != 0 {
			return reply, fmt.Errorf("the server took %d records of one: %w", count, data.ErrInvalid)
		}
		// A preamble: a command of codec 12.
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return reply, err
		}
		size := int(binary.BigEndian.Uint32(head[:])) + 4
		if size < 4 || size > maxAnswer {
			return reply, fmt.Errorf("read command: %d bytes: %w", size, data.ErrInvalid)
		}
		if _, err := r.Discard(size); err != nil {
			return reply, err
		}
		reply = teltonika.AppendResult(reply, "OK")
	}
}

type osmandDialect struct{}

func (osmandDialect) login(b []byte, _ string) []byte { return b }

func (osmandDialect) report(b []byte, host, id string, p *data.Position, _ uint16) []byte {
	b = append(b, "GET /?"...)
	b = osmand.AppendQuery(b, id, p)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	return append(b, "\r\nUser-Agent: waymark-simulator\r\n\r\n"...)
}

func (osmandDialect) await(r *bufio.Reader, _ uint16) (reply []byte, err error) {
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)); err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("HTTP %s: %w", response.Status, errRefused)
	}
	return nil, nil
}
