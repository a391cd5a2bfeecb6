package simulator

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/jt808"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
)

// seconds reads a number of seconds in a command.
func seconds(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 86400 {
		return 0
	}
	return time.Duration(n) * time.Second
}

type gt06Dialect struct{}

func (gt06Dialect) room() int     { return 1 }
func (gt06Dialect) closing() bool { return false }

func (gt06Dialect) resumes() bool { return true }

func (gt06Dialect) hello(b []byte, d *device) []byte {
	return gt06.AppendLogin(b, d.id, d.nextSerial())
}

func (gt06Dialect) report(b []byte, _ *device, p []data.Position, serial uint16) []byte {
	return gt06.AppendPosition(b, &p[0], serial)
}

func (gt06Dialect) heartbeat(b []byte, _ *device, state *data.Position, serial uint16) []byte {
	return gt06.AppendHeartbeat(b, state, serial)
}

func (gt06Dialect) read(b []byte, _ *device) (a answer, size int, err error) {
	kind, serial, size := gt06.Answer(b)
	if size == 0 {
		// A whole frame is never longer than this, nor does one begin otherwise.
		if len(b) > 2+2+255+2 || len(b) >= 2 && (b[0] != b[1] || b[0]|1 != 0x79) {
			return a, 0, unreadable(b)
		}
		return a, 0, nil
	}
	a.serial = serial
	switch kind {
	case gt06.LoginType:
		a.kind = answerAccepted
	case gt06.PositionType:
		a.kind = answerSerial
	case gt06.HeartbeatType:
		a.kind = answerBeat
	case gt06.CommandType:
		text, flag, ok := gt06.Command(b[:size])
		if !ok {
			return a, 0, unreadable(b)
		}
		a.kind, a.word, a.code = answerCommand, text, int(flag)
	}
	return a, size, nil
}

func (gt06Dialect) obey(b []byte, d *device, a *answer, state *data.Position) []byte {
	word, parameters, _ := strings.Cut(strings.TrimSuffix(a.word, "#"), ",")
	result := "OK!"
	switch strings.ToUpper(word) {
	case "RELAY":
		d.stopEngine(state, parameters == "1")
	case "DYD":
		d.stopEngine(state, true)
	case "HFYD":
		d.stopEngine(state, false)
	case "TIMER":
		first, _, _ := strings.Cut(parameters, ",")
		d.reportEvery(seconds(first))
	case "WHERE":
		d.reportNow()
	case "RESET":
		d.restart()
	default:
		result = "ERROR: unknown command"
	}
	b = gt06.AppendResult(b, word+": "+result, uint32(a.code), a.serial)
	return gt06.AppendHeartbeat(b, state, d.nextSerial()) // with the state of the relay
}

type teltonikaDialect struct{}

func (teltonikaDialect) room() int     { return maxRoom }
func (teltonikaDialect) closing() bool { return false }

func (teltonikaDialect) resumes() bool { return false }

func (teltonikaDialect) hello(b []byte, d *device) []byte { return teltonika.AppendLogin(b, d.id) }

// report speaks codec 8 extended in devices with an even number, codec 8 in the
// others.
func (teltonikaDialect) report(b []byte, d *device, p []data.Position, _ uint16) []byte {
	if d.number%2 == 0 {
		return teltonika.AppendPositions(b, p)
	}
	return teltonika.AppendPositions8(b, p)
}

// heartbeat is left out: the keep-alive is not answered.
func (teltonikaDialect) heartbeat(b []byte, _ *device, _ *data.Position, _ uint16) []byte { return b }

func (teltonikaDialect) read(b []byte, d *device) (a answer, size int, err error) {
	switch {
	case len(b) == 0:
		return a, 0, nil
	case !d.accepted && b[0] == 1:
		a.kind = answerAccepted
		return a, 1, nil
	case !d.accepted && b[0] == 0:
		a.kind = answerRefused
		return a, 1, nil
	}
	taken, text, size, ok := teltonika.Answer(b)
	switch {
	case !ok || !d.accepted:
		return a, 0, unreadable(b)
	case taken > 0:
		a.kind, a.count = answerNext, taken
	case taken < 0:
		a.kind, a.word = answerCommand, strings.TrimSpace(text)
	}
	return a, size, nil
}

func (teltonikaDialect) obey(b []byte, d *device, a *answer, state *data.Position) []byte {
	word, parameters, _ := strings.Cut(a.word, " ")
	result := "OK"
	switch word {
	case "setdigout":
		d.stopEngine(state, strings.HasPrefix(parameters, "1"))
		result = "DOUT1:" + parameters[:min(1, len(parameters))]
	case "setparam":
		if _, every, ok := strings.Cut(parameters, "10050:"); ok {
			d.reportEvery(seconds(every))
		}
		result = "New value " + parameters
	case "getrecord":
		d.reportNow()
	case "cpureset":
		d.restart()
	case "getver":
		result = "Ver:03.27.07 Hw:simulated IMEI:" + d.id
	default:
		result = "Unknown command"
	}
	return teltonika.AppendResult(b, result)
}

type jt808Dialect struct{}

func (jt808Dialect) room() int     { return jt808.MaxBatch }
func (jt808Dialect) closing() bool { return false }

func (jt808Dialect) resumes() bool { return true }

// hello registers and shows the code of the registration, which is not waited
// for: the answer to the second says that the device is accepted.
func (jt808Dialect) hello(b []byte, d *device) []byte {
	b = jt808.AppendRegister(b, d.id, d.nextSerial())
	return jt808.AppendAuthentication(b, d.id, d.id, d.nextSerial())
}

func (jt808Dialect) report(b []byte, d *device, p []data.Position, serial uint16) []byte {
	if archive, _ := p[0].Attributes.Get("archive").Bool(); len(p) == 1 && !archive {
		return jt808.AppendPosition(b, d.id, &p[0], serial)
	}
	return jt808.AppendBatch(b, d.id, p, serial)
}

func (jt808Dialect) heartbeat(b []byte, d *device, _ *data.Position, serial uint16) []byte {
	return jt808.AppendHeartbeat(b, d.id, serial)
}

func (jt808Dialect) read(b []byte, _ *device) (a answer, size int, err error) {
	kind, serial, body, size, ok := jt808.Answer(b)
	switch {
	case !ok:
		return a, 0, unreadable(b)
	case size == 0:
		return a, 0, nil
	}
	switch kind {
	case jt808.GeneralAnswerType:
		of, serial, ok := jt808.Confirmed(body)
		a.serial = serial
		switch {
		case !ok && of == jt808.AuthenticationType:
			a.kind = answerRefused
		case !ok:
			return a, 0, unreadable(b)
		case of == jt808.AuthenticationType:
			a.kind = answerAccepted
		case of == jt808.PositionType || of == jt808.BatchType:
			a.kind = answerSerial
		case of == jt808.HeartbeatType:
			a.kind = answerBeat
		}
	case jt808.RegisterAnswerType:
		if len(body) < 3 || body[2] != 0 {
			a.kind = answerRefused
		}
	default:
		a.kind, a.code, a.serial, a.word = answerCommand, int(kind), serial, string(body)
	}
	return a, size, nil
}

func (jt808Dialect) obey(b []byte, d *device, a *answer, state *data.Position) []byte {
	done := true
	switch body := []byte(a.word); uint16(a.code) {
	case jt808.ControlCommandType:
		stop := len(body) > 0 && (body[0] == 0xF0 || body[0] == 0x64)
		if done = stop || len(body) > 0 && (body[0] == 0xF1 || body[0] == 0x65); done {
			d.stopEngine(state, stop)
		}
	case jt808.ParameterCommandType:
		switch {
		case len(body) == 7 && body[0] == 1 && body[1] == 6:
			d.reportEvery(time.Duration(binary.BigEndian.Uint32(body[3:])) * time.Second)
		case len(body) >= 2 && body[0] == 0x01 && body[1] == 0x23:
			d.restart()
		}
	case jt808.TextCommandType:
		b = jt808.AppendResult(b, d.id, "OK", d.nextSerial())
	default:
		done = false
	}
	return jt808.AppendGeneralAnswer(b, d.id, uint16(a.code), a.serial, done, d.nextSerial())
}
