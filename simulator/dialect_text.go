package simulator

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gl200"
	"github.com/waymark-gps/waymark/tracker/protocol/h02"
	"github.com/waymark-gps/waymark/tracker/protocol/osmand"
	"github.com/waymark-gps/waymark/tracker/protocol/watch"
)

type h02Dialect struct{}

func (h02Dialect) room() int     { return 1 }
func (h02Dialect) closing() bool { return false }

func (h02Dialect) resumes() bool { return true }

func (h02Dialect) hello(b []byte, d *device) []byte { return h02.AppendHandshake(b, d.id) }

func (h02Dialect) report(b []byte, d *device, p []data.Position, _ uint16) []byte {
	return h02.AppendPosition(b, d.id, &p[0])
}

func (h02Dialect) heartbeat(b []byte, d *device, state *data.Position, _ uint16) []byte {
	return h02.AppendHeartbeat(b, d.id, state)
}

func (h02Dialect) read(b []byte, _ *device) (a answer, size int, err error) {
	kind, fields, size, ok := h02.Answer(b)
	switch {
	case !ok:
		return a, 0, unreadable(b)
	case size == 0:
		return a, 0, nil
	}
	switch kind {
	case "V0":
		a.kind = answerAccepted
	case "V4":
		if strings.HasPrefix(fields, "V1") {
			a.kind = answerAny
		}
	case "HTBT":
		a.kind = answerBeat
	case "R12": // reports without an answer of their own
	default:
		a.kind, a.word, a.rest = answerCommand, kind, fields
	}
	return a, size, nil
}

func (h02Dialect) obey(b []byte, d *device, a *answer, state *data.Position) []byte {
	_, parameters, _ := strings.Cut(a.rest, ",") // behind the time of the command
	if every, ok := h02.Interval(a.word, a.rest); ok {
		d.reportEvery(every)
	}
	if a.word == "S20" {
		d.stopEngine(state, strings.HasSuffix(parameters, ",1"))
	}
	return h02.AppendEcho(b, d.id, a.word+","+a.rest, state)
}

type gl200Dialect struct{}

func (gl200Dialect) room() int { return 1 }

// closing: reports are answered only by servers that are told to, heartbeats
// always.
func (gl200Dialect) closing() bool { return true }

func (gl200Dialect) resumes() bool { return true }

func (gl200Dialect) hello(b []byte, d *device) []byte {
	return gl200.AppendHeartbeat(b, d.id, &data.Position{DeviceTime: d.clock()}, d.nextSerial())
}

func (gl200Dialect) report(b []byte, d *device, p []data.Position, serial uint16) []byte {
	return gl200.AppendPosition(b, d.id, &p[0], serial)
}

func (gl200Dialect) heartbeat(b []byte, d *device, state *data.Position, serial uint16) []byte {
	return gl200.AppendHeartbeat(b, d.id, state, serial)
}

func (gl200Dialect) read(b []byte, d *device) (a answer, size int, err error) {
	text, size, ok := gl200.Answer(b)
	switch {
	case !ok:
		return a, 0, unreadable(b)
	case size == 0:
		return a, 0, nil
	}
	count := text[strings.LastIndexAny(text, ",:")+1:]
	serial, err := strconv.ParseUint(count, 16, 16)
	a.serial = uint16(serial)
	switch {
	case strings.HasPrefix(text, "AT+GT"):
		word, parameters, _ := strings.Cut(text[len("AT+GT"):], "=")
		a.kind, a.word, a.rest = answerCommand, word, parameters
		return a, size, nil
	case !strings.HasPrefix(text, "+SACK:") || err != nil:
		return a, 0, unreadable(b)
	case strings.HasPrefix(text, "+SACK:GTHBD,") && !d.accepted:
		a.kind = answerAccepted
	case strings.HasPrefix(text, "+SACK:GTHBD,"):
		a.kind = answerAll
	default:
		a.kind = answerSerial
	}
	return a, size, nil
}

func (gl200Dialect) obey(b []byte, d *device, a *answer, state *data.Position) []byte {
	fields := strings.Split(a.rest, ",")
	if len(fields) < 2 {
		return b // without a password nothing is done
	}
	switch {
	case a.word == "OUT":
		d.stopEngine(state, fields[1] == "1")
	case a.word == "RTO" && fields[1] == "1":
		d.reportNow()
	case a.word == "RTO" && fields[1] == "3":
		d.restart()
	}
	return gl200.AppendResult(b, d.id, a.word, fields[len(fields)-1], state, d.nextSerial())
}

type watchDialect struct{}

func (watchDialect) room() int { return 1 }

// closing: positions are not answered, LK is.
func (watchDialect) closing() bool { return true }

func (watchDialect) resumes() bool { return true }

func (watchDialect) hello(b []byte, d *device) []byte {
	return watch.AppendLink(b, d.id, &data.Position{})
}

func (watchDialect) report(b []byte, d *device, p []data.Position, _ uint16) []byte {
	return watch.AppendPosition(b, d.id, &p[0])
}

func (watchDialect) heartbeat(b []byte, d *device, state *data.Position, _ uint16) []byte {
	return watch.AppendLink(b, d.id, state)
}

func (watchDialect) read(b []byte, d *device) (a answer, size int, err error) {
	word, rest, size, ok := watch.Answer(b)
	switch {
	case !ok:
		return a, 0, unreadable(b)
	case size == 0:
		return a, 0, nil
	case word != "LK":
		a.kind, a.word, a.rest = answerCommand, word, rest
	case d.accepted:
		a.kind = answerAll
	default:
		a.kind = answerAccepted
	}
	return a, size, nil
}

func (watchDialect) obey(b []byte, d *device, a *answer, _ *data.Position) []byte {
	switch a.word {
	case "UPLOAD":
		if every, ok := watch.Interval(a.rest); ok {
			d.reportEvery(every)
		}
	case "CR":
		d.reportNow()
	case "RESET":
		d.restart()
	}
	return watch.AppendResult(b, d.id, a.word)
}

type osmandDialect struct{}

func (osmandDialect) room() int     { return 1 }
func (osmandDialect) closing() bool { return false }

func (osmandDialect) resumes() bool { return false }

func (osmandDialect) hello(b []byte, _ *device) []byte { return b }

func (osmandDialect) report(b []byte, d *device, p []data.Position, _ uint16) []byte {
	b = append(b, "GET /?"...)
	b = osmand.AppendQuery(b, d.id, &p[0])
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, d.target...)
	return append(b, "\r\nUser-Agent: waymark-simulator\r\n\r\n"...)
}

func (osmandDialect) heartbeat(b []byte, _ *device, _ *data.Position, _ uint16) []byte { return b }

func (osmandDialect) read(b []byte, _ *device) (a answer, size int, err error) {
	if !bytes.Contains(b, []byte("\r\n\r\n")) {
		return a, 0, nil
	}
	rest := bytes.NewReader(b)
	r := bufio.NewReaderSize(rest, 256)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return a, 0, errors.Join(unreadable(b), err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); errors.Is(err, io.ErrUnexpectedEOF) {
		return a, 0, nil
	} else if err != nil {
		return a, 0, errors.Join(unreadable(b), err)
	}
	switch {
	case response.StatusCode/100 == 2:
		a.kind = answerNext
	case response.StatusCode/100 == 4 && response.StatusCode != http.StatusBadRequest:
		a.kind = answerRefused
	default:
		return a, 0, unreadable(b)
	}
	return a, len(b) - rest.Len() - r.Buffered(), nil
}

func (osmandDialect) obey(b []byte, _ *device, _ *answer, _ *data.Position) []byte { return b }
