package castel

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The message types of OBD dongles (versions 3 and 4).
const (
	obdLogin         = 0x1001
	obdLogout        = 0x1002
	obdHeartbeat     = 0x1003
	obdGPS           = 0x4001
	obdPIDs          = 0x4002
	obdAcceleration  = 0x4003
	obdSnapshot      = 0x4005
	obdFaults        = 0x4006
	obdAlarm         = 0x4007
	obdCell          = 0x4008
	obdSleep         = 0x4009
	obdCommercial    = 0x400B // trouble codes of lorries
	obdFuel          = 0x400E
	obdComprehensive = 0x401F
	obdAssistance    = 0x5101 // asks for assistance data
	obdQueryAnswer   = 0xA002
	obdCurrent       = 0xB001
)

// obd reads a message of an OBD dongle.
func (m *message) obd() error {
	r := &m.body
	switch m.kind {
	case obdLogin, obdLogout:
		if m.kind == obdLogin {
			m.answerLogin()
		}
		return m.stat(m.countedItems)
	case obdHeartbeat:
		m.answer(0x9003, nil)
	case obdGPS:
		m.history()
		return m.stat(m.countedItems)
	case obdComprehensive:
		m.history()
		r.Skip(4) // index
		m.stated = true
		return m.stat(func() error {
			if err := m.countedItems(); err != nil {
				return err
			}
			m.tags()
			return nil
		})
	case obdAlarm:
		index := r.Bytes(4)
		m.answer(0xC007, index)
		return m.stat(func() error {
			if err := m.countedItems(); err != nil {
				return err
			}
			m.alarms(r)
			// Without a fix only an alarm is worth a report.
			_, m.stated = m.base.Attributes.Get("alarm").Text()
			return nil
		})
	case obdCurrent:
		r.Skip(2)
		m.stated = true
		return m.stat(m.countedItems)
	case obdFuel:
		m.stated = true
		return m.stat(func() error {
			err := m.countedItems()
			for i := range m.fixes {
				if r.Len() >= 2 {
					m.fixes[i].Attributes.SetInt("adc1", int64(r.U16LE()))
				}
			}
			return err
		})
	case obdSleep:
		r.Skip(4) // time
		return m.oneItem()
	case obdAssistance:
		return m.oneItem()
	case obdPIDs, obdSnapshot, obdAcceleration, obdFaults, obdCommercial, obdCell:
		m.stated = true
		return m.stat(m.engine)
	case obdQueryAnswer:
		m.queryAnswer()
	}
	return nil
}

// history reads the flag of reports that come late from memory.
func (m *message) history() {
	if m.body.U8() > 0 {
		m.base.Attributes.SetBool("archive", true)
	}
}

const statSize = 34

// stat reads the block that begins most messages, then the rest.
func (m *message) stat(rest func() error) error {
	r, a := &m.body, &m.base.Attributes
	if r.Len() < statSize {
		return fmt.Errorf("no state in %d bytes: %w", r.Len(), data.ErrInvalid)
	}
	r.Skip(4) // since when the ignition is on
	m.base.DeviceTime = unix(r)
	a.SetInt("odometer", int64(r.U32LE()))
	a.SetInt("tripOdometer", int64(r.U32LE()))
	r.Skip(4) // fuel of all trips
	a.SetInt("fuelConsumption", int64(r.U16LE()))
	state := r.U32LE()
	r.Skip(8)
	a.SetInt("status", int64(state))
	a.SetBool("ignition", state&(1<<18) != 0)
	switch m.kind {
	case obdPIDs, obdSnapshot, obdFaults, obdCommercial:
		if state&(1<<4) != 0 {
			a.AddAlarm("hardAcceleration")
		}
		if state&(1<<5) != 0 {
			a.AddAlarm("hardBraking")
		}
		if state&(1<<6) != 0 {
			a.AddAlarm("idle")
		}
	}
	return rest()
}

// countedItems reads a count and as many fixes.
func (m *message) countedItems() error {
	if m.body.Len() == 0 {
		return nil
	}
	return m.items(int(m.body.U8()))
}

var alarmKinds = map[uint8]string{
	0x01: "overspeed",
	0x02: "lowPower",
	0x03: "temperature",
	0x04: "hardAcceleration",
	0x05: "hardBraking",
	0x06: "idle",
	0x07: "tow",
	0x08: "highRpm",
	0x09: "powerOn",
	0x0B: "laneChange",
	0x0C: "hardCornering",
	0x0D: "fatigueDriving",
	0x0E: "powerOff",
	0x11: "accident",
	0x12: "tampering",
	0x1C: "vibration",
}

// alarms reads a count and as many alarms. A flag of 0 says that one is over.
func (m *message) alarms(r *converters.Reader) {
	a := &m.last().Attributes
	for count := r.U8(); count > 0 && r.Len() >= 6; count-- {
		flag, code := r.U8(), r.U8()
		r.Skip(2 + 2) // description, threshold
		switch {
		case flag == 0:
		case code == 0x16 || code == 0x17:
			a.SetBool("ignition", code == 0x16)
		default:
			a.AddAlarm(alarmKinds[code])
		}
	}
}

// engine reads what follows the state in the messages about the engine.
func (m *message) engine() error {
	r := &m.body
	switch m.kind {
	case obdPIDs:
		r.Skip(2) // rate
		m.pids(r, true)
	case obdSnapshot:
		r.Skip(1) // flag
		m.pids(r, false)
	case obdFaults, obdCommercial:
		r.Skip(1) // flag
		m.faults(r, m.kind == obdCommercial)
	case obdAcceleration:
		m.acceleration()
	case obdCell:
		lac, cell := r.U16LE(), r.U16LE()
		if r.OK() {
			m.base.Network = &data.Network{CellTowers: []data.CellTower{{LAC: int(lac), CellID: int64(cell)}}}
		}
	}
	return nil
}

// tags reads the tail of a comprehensive report: tag, length and content.
func (m *message) tags() {
	r := &m.body
	a := &m.last().Attributes
	for r.Len() >= 4 {
		tag, size := r.U16LE(), int(r.U16LE())
		content := converters.NewReader(r.Bytes(min(size, r.Len())))
		switch {
		case tag == 0x0002:
			content.Skip(2) // rate
			m.pids(&content, true)
		case tag == 0x0006 || tag == 0x000B:
			content.Skip(1) // flag
			m.faults(&content, tag == 0x000B)
		case tag == 0x0007:
			m.alarms(&content)
		case content.Len() < 2:
		case tag == 0x0010:
			a.SetFloat("deviceTemp", float64(int16(content.U16LE()))/10)
		case tag >= 0x0011 && tag <= 0x0014:
			a.SetFloat([...]string{"temp1", "temp2", "temp3", "temp4"}[tag-0x0011], float64(int16(content.U16LE()))/10)
		case tag == 0x0020:
			a.SetFloat("power", float64(content.U16LE())/100)
		case tag == 0x0021:
			a.SetFloat("battery", float64(content.U16LE())/100)
		}
	}
}

// queryAnswer reads type A002: parameters that could not and could be read.
func (m *message) queryAnswer() {
	r := &m.body
	r.Skip(2 + 1 + 1) // index, count and number of messages
	failures := int(r.U8())
	r.Skip(2 * failures)
	var result []byte
	for successes := int(r.U8()); successes > 0 && r.Len() >= 4; successes-- {
		r.Skip(2) // tag
		text := r.Bytes(min(int(r.U16LE()), r.Len()))
		if len(result) > 0 {
			result = append(result, ' ')
		}
		result = append(result, text...)
	}
	if text := protocol.Text(result); text != "" {
		m.base.Attributes.SetString("result", text)
		m.stated = true
	}
}
