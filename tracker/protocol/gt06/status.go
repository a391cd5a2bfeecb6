package gt06

// statusSize is the size of a status in bytes: flags, charge of the battery,
// signal, alarm, language.
const statusSize = 5

// status reads a status as far as it is there.
func (m *message) status() {
	m.statusFlags()
	if m.kind == 0x13 && m.model.r11 {
		m.number("power", 2, 100)
	} else {
		m.batteryLevel()
	}
	m.integer("rssi", 1, 1)
	m.alarmAndLanguage()
}

// statusAndFence reads a status, the upper half of whose language are bits 8 to
// 11 of the alarm, and the number of a geofence.
func (m *message) statusAndFence() {
	m.statusFlags()
	m.batteryLevel()
	m.integer("rssi", 1, 1)
	if m.body.Len() < 2 {
		return
	}
	code, language := int(m.body.U8()), int(m.body.U8())
	m.alarm(language>>4<<8 | code)
	m.integer("geofence", 1, 1)
}

// statusVXT01 has no alarm but that of the flags.
func (m *message) statusVXT01() {
	m.statusFlags()
	m.number("power", 2, 100)
	m.integer("rssi", 1, 1)
}

func (m *message) statusS5() {
	m.statusVXT01()
	if m.body.Len() > 0 {
		m.alarm(int(m.body.U8()))
	}
	m.integer("oil", 2, 1)
	if m.body.Len() > 0 {
		m.at.Attributes.SetInt("temp1", int64(signMagnitude(uint16(m.body.U8()), 7)))
	}
	m.integer("odometer", 4, 10)
}

// statusOBD6 leaves out satellites and signal, which are packed into two bytes,
// and three bytes behind the voltage.
func (m *message) statusOBD6() {
	m.statusFlags()
	r := &m.body
	r.Skip(2)
	m.alarmAndLanguage()
	m.integer("batteryLevel", 1, 1)
	mode := r.U8()
	m.number("power", 2, 100)
	r.Skip(3)
	if v := int16(r.U16()); r.OK() && mode == 4 {
		m.at.Attributes.SetFloat("temp1", float64(v)/10)
	}
}

func (m *message) statusSeeworld() {
	m.statusFlags()
	m.integer("steps", 4, 1)
	m.integer("batteryLevel", 1, 1)
}

func (m *message) statusLW4G() {
	m.body.Skip(1)
	m.statusFlags()
	m.number("power", 2, 100)
	m.batteryLevel()
	m.integer("rssi", 1, 1)
	m.alarmAndLanguage()
	m.integer("odometer", 4, 1)
	m.integer("hours", 4, 1000)
	m.body.Skip(8) // IMEI
	m.integer("input", 2, 1)
}

// statusTRX16 has a card at its end. Devices of the VL family send as many
// bytes and mean others.
func (m *message) statusTRX16() {
	m.status()
	if !m.model.vl {
		m.cardAtEnd()
	}
}

// heartbeat reads type 0x23.
func (m *message) heartbeat() bool {
	flags := m.body.U8()
	if !m.body.OK() {
		return false
	}
	a := &m.at.Attributes
	a.SetBool("armed", flags&1 != 0)
	a.SetBool("ignition", flags&2 != 0)
	a.SetBool("charge", flags&4 != 0)
	m.number("battery", 2, 100)
	m.integer("rssi", 1, 1)
	return true
}

// flagAlarms are bits 3 to 5 of the flags.
var flagAlarms = [8]string{1: "vibration", 2: "powerCut", 3: "lowBattery", 4: "sos", 6: "geofence", 7: "removing"}

// statusFlags reads the byte that begins a status.
func (m *message) statusFlags() {
	flags := m.body.U8()
	if !m.body.OK() {
		return
	}
	a := &m.at.Attributes
	a.SetInt("status", int64(flags))
	a.SetBool("armed", flags&(1<<0) != 0)
	a.SetBool("ignition", flags&(1<<1) != 0)
	a.SetBool("charge", flags&(1<<2) != 0)
	a.SetBool("blocked", flags&(1<<7) != 0)
	a.AddAlarm(flagAlarms[flags>>3&7])
}

// batteryLevel reads 0 to 6 steps, or 7 to 100 per cent.
func (m *message) batteryLevel() {
	if m.body.Len() == 0 {
		return
	}
	switch v := int64(m.body.U8()); {
	case v <= 6:
		m.at.Attributes.SetInt("batteryLevel", v*100/6)
	case v <= 100:
		m.at.Attributes.SetInt("batteryLevel", v)
	}
}

// number stores an unsigned number of size bytes divided by scale, if it is
// there.
func (m *message) number(key string, size int, scale float64) bool {
	if m.body.Len() < size {
		return false
	}
	m.at.Attributes.SetFloat(key, float64(m.body.Uint(size))/scale)
	return true
}

// integer stores an unsigned number of size bytes times factor, if it is there.
func (m *message) integer(key string, size int, factor int64) bool {
	if m.body.Len() < size {
		return false
	}
	m.at.Attributes.SetInt(key, int64(m.body.Uint(size))*factor)
	return true
}

// flag stores whether a byte is above 0, if it is there.
func (m *message) flag(key string) {
	if m.body.Len() > 0 {
		m.at.Attributes.SetBool(key, m.body.U8() > 0)
	}
}

// alarmAndLanguage reads the end of a status.
func (m *message) alarmAndLanguage() {
	if m.body.Len() > 0 {
		m.alarm(int(m.body.U8()))
	}
	if m.body.Len() > 0 {
		m.body.Skip(1)
	}
}

// alarm stores the number of an alarm, and its kind if it has one.
func (m *message) alarm(code int) {
	if code == 0 {
		return
	}
	m.at.Attributes.AddAlarm(m.alarmKind(code))
	m.at.Attributes.SetInt("event", int64(code))
}

func (m *message) alarmKind(code int) string {
	kind := ""
	switch {
	case m.model.lw:
		kind = alarmKindsLW[code]
	case m.model.vl:
		kind = alarmKindsVL[code]
	case m.model.seeworld:
		kind = alarmKindsSeeworld[code]
	}
	if kind == "" {
		kind = alarmKinds[code]
	}
	return kind
}

var (
	alarmKindsLW       = map[int]string{0x18: "accident", 0x19: "hardAcceleration"}
	alarmKindsVL       = map[int]string{0x09: "tow", 0x28: "powerOff", 0x30: "hardBraking"}
	alarmKindsSeeworld = map[int]string{0x28: "hardCornering", 0x29: "accident"}
)

var alarmKinds = map[int]string{
	0x01:  "sos",
	0x02:  "powerCut",
	0x03:  "vibration",
	0x04:  "geofenceEnter",
	0x05:  "geofenceExit",
	0x06:  "overspeed",
	0x09:  "vibration",
	0x0C:  "tampering",
	0x0E:  "lowBattery",
	0x0F:  "lowBattery",
	0x11:  "powerOff",
	0x13:  "tampering",
	0x14:  "door",
	0x18:  "removing",
	0x19:  "lowBattery",
	0x1A:  "hardBraking",
	0x1B:  "hardCornering",
	0x23:  "fallDown",
	0x25:  "tampering",
	0x26:  "hardAcceleration",
	0x27:  "hardBraking",
	0x28:  "hardBraking",
	0x29:  "hardAcceleration",
	0x2A:  "hardCornering",
	0x2B:  "hardCornering",
	0x2C:  "accident",
	0x2E:  "hardCornering",
	0x30:  "jamming",
	0x32:  "tampering",
	0x33:  "lock",
	0x34:  "unlock",
	0x53:  "fuelLeak",
	0x5B:  "temperature",
	0x5C:  "temperature",
	0xC9:  "idle",
	0xF0:  "hardAcceleration",
	0xF1:  "hardBraking",
	0xF2:  "accident",
	0x107: "jamming",
	0x10B: "jamming",
}
