package minifinder2

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The items of data messages that decide about identity and positions.
const (
	keyIMEI    = 0x01
	keyAddress = 0x11
	keyTime    = 0x12
	keyGPS     = 0x20
	keyBeacon  = 0x28
	keyBeacon2 = 0x2C
)

// fewAttributes is the room for attributes that each position begins with.
const fewAttributes = 8

// reader collects the positions of a data message.
type reader struct {
	packet data.Packet
	at     *data.Position
	seen   [4]uint64 // keys of the current position
	// room is for the attributes of the positions, so that they cost one
	// allocation together.
	room []data.Attribute
}

// readData reads items. A key that comes again begins another position.
func readData(items []byte) data.Packet {
	r := reader{}
	count := countPositions(items)
	if count == 0 {
		r.packet.Identity = identity(items)
		return r.packet
	}
	r.packet.Positions = make([]data.Position, 0, count)
	r.room = make([]data.Attribute, count*fewAttributes)
	for len(items) > 0 {
		key, value, rest := nextItem(items)
		items = rest
		switch key {
		case 0, keyTime, keyAddress:
			continue
		case keyIMEI:
			r.packet.Identity = protocol.Text(value)
			continue
		}
		if r.at == nil || r.again(key) {
			r.begin()
		}
		r.seen[key>>6] |= 1 << (key & 63)
		r.item(key, value)
	}
	for i := range r.packet.Positions {
		p := &r.packet.Positions[i]
		if !p.Outdated {
			p.FixTime = p.DeviceTime
		}
	}
	return r.packet
}

// countPositions tells how many positions items hold.
func countPositions(items []byte) int {
	r, count := reader{}, 0
	for len(items) > 0 {
		key, _, rest := nextItem(items)
		items = rest
		switch key {
		case 0, keyTime, keyAddress, keyIMEI:
			continue
		}
		if count == 0 || r.again(key) {
			count++
			r.seen = [4]uint64{}
		}
		r.seen[key>>6] |= 1 << (key & 63)
	}
	return count
}

func identity(items []byte) (imei string) {
	for len(items) > 0 {
		key, value, rest := nextItem(items)
		if items = rest; key == keyIMEI {
			imei = protocol.Text(value)
		}
	}
	return imei
}

func (r *reader) again(key byte) bool {
	return r.seen[key>>6]&(1<<(key&63)) != 0 && key != keyBeacon && key != keyBeacon2
}

func (r *reader) begin() {
	n := len(r.packet.Positions)
	r.packet.Positions = append(r.packet.Positions, data.Position{Protocol: "minifinder2", Outdated: true})
	r.at = &r.packet.Positions[n]
	r.at.Attributes = r.room[n*fewAttributes : n*fewAttributes : (n+1)*fewAttributes]
	r.seen = [4]uint64{}
}

var little = binary.LittleEndian

// item reads one item; one that is too short says nothing.
func (r *reader) item(key byte, v []byte) {
	a := &r.at.Attributes
	n := len(v)
	switch {
	case key == 0x02 && n >= 4:
		alarm(r.at, little.Uint32(v))
		if n >= 8 {
			r.time(v[4:])
		}
	case key == 0x14 && n >= 3:
		a.SetInt("batteryLevel", int64(v[0]))
		a.SetFloat("battery", float64(little.Uint16(v[1:]))/1000)
	case key == keyGPS && n >= 20:
		r.gps(v)
	case key == 0x23 && n >= 6:
		r.tag(v)
	case key == 0x24 && n >= 8:
		r.status(v)
	case key == 0x25 && n >= 8:
		r.at.DeviceTime = unix(v)
		a.SetInt("callStatus", int64(v[4]))
		a.SetInt("callDuration", int64(little.Uint16(v[5:])))
		a.SetInt("callResult", int64(v[7]))
		a.SetString("phone", protocol.Text(v[8:]))
	case key == 0x26 && n >= 18:
		a.SetString("tagId", hex.EncodeToString(v[:6]))
		r.place(v[6:])
		r.precision(v[14:])
	case key == 0x27 && n >= 12:
		r.place(v)
		r.precision(v[8:])
	case (key == keyBeacon || key == keyBeacon2) && n >= 9:
		r.beacon(v, key == keyBeacon2)
	case key == 0x30 && n >= 8:
		r.time(v)
		a.SetInt("steps", int64(little.Uint32(v[4:])))
	case key == 0x31:
		r.activity(v)
	case key == 0x37 && n >= 8:
		r.time(v)
		barking := little.Uint32(v[4:])
		a.SetInt("barkCount", int64(barking&(1<<31-1)))
		a.SetBool("barkStop", barking>>31 != 0)
	case key == 0x40 && n >= 5:
		r.above1("heartRate", v)
	case key == 0x41 && n >= 5:
		r.above1("spO2", v)
	default:
		r.radio(key, v)
	}
}

func unix(v []byte) time.Time { return protocol.UnixMilli(int64(little.Uint32(v)) * 1000) }

// time is the time of a measurement: that of the position, unless a status
// says otherwise.
func (r *reader) time(v []byte) {
	if r.at.DeviceTime.IsZero() {
		r.at.DeviceTime = unix(v)
	}
}

func (r *reader) above1(name string, v []byte) {
	r.time(v)
	if v[4] > 1 {
		r.at.Attributes.SetInt(name, int64(v[4]))
	}
}

// place reads latitude and longitude in 1e-7 degrees.
func (r *reader) place(v []byte) {
	protocol.SetPlace(r.at, float64(int32(little.Uint32(v)))/1e7, float64(int32(little.Uint32(v[4:])))/1e7)
	r.at.Valid = !r.at.Outdated
}

// precision reads HDOP and altitude behind the place of a tag.
func (r *reader) precision(v []byte) {
	r.at.Attributes.SetFloat("hdop", float64(little.Uint16(v))/10)
	r.at.AltitudeM = float64(int16(little.Uint16(v[2:])))
}

func (r *reader) gps(v []byte) {
	r.place(v)
	p := r.at
	p.SpeedKnots = converters.KnotsFromKmh(float64(little.Uint16(v[8:])))
	p.CourseDeg = protocol.Course(float64(little.Uint16(v[10:])))
	p.AltitudeM = float64(int16(little.Uint16(v[12:])))
	hdop := little.Uint16(v[14:])
	p.Valid = hdop > 0 && !p.Outdated
	p.Attributes.SetFloat("hdop", float64(hdop)/10)
	p.Attributes.SetInt("odometer", int64(little.Uint32(v[16:])))
	if len(v) > 20 {
		p.Attributes.SetInt("sat", int64(v[20]))
	}
}

func (r *reader) status(v []byte) {
	r.at.DeviceTime = unix(v)
	status := little.Uint32(v[4:])
	a := &r.at.Attributes
	a.SetBool("charge", status>>4&1 != 0)
	if status>>7&1 != 0 {
		a.SetBool("archive", true)
	}
	a.SetBool("motion", status>>9&1 != 0)
	a.SetInt("rssi", int64(status>>19&31))
	a.SetInt("batteryLevel", int64(status>>24))
	a.SetInt("status", int64(status))
}

// reversed writes an id of six bytes, sent last byte first, in hex.
func reversed(v []byte) string {
	var id [6]byte
	copy(id[:], v)
	slices.Reverse(id[:])
	return hex.EncodeToString(id[:])
}

func (r *reader) tag(v []byte) {
	r.at.Attributes.SetString("tagId", reversed(v[:6]))
	v = v[6:]
	if len(v) >= 8 {
		r.place(v)
		v = v[8:]
	}
	r.at.Attributes.SetString("description", protocol.Text(v))
}

// beacon reads a Bluetooth beacon; second is the form with battery and
// temperature.
func (r *reader) beacon(v []byte, second bool) {
	flags, id, rssi, near := v[0], v[1:7], int8(v[7]), int8(v[8])
	v = v[9:]
	a := &r.at.Attributes
	number := strconv.Itoa(int(flags&15) + 1)
	a.SetString("tagId"+number, reversed(id))
	a.SetInt("tagRssi"+number, int64(rssi))
	a.SetInt("tag1mRssi"+number, int64(near))
	if second && len(v) > 0 {
		a.SetInt("tagBattery"+number, int64(v[0]))
		v = v[1:]
	}
	if flags&0x80 != 0 && len(v) >= 8 {
		r.place(v)
		v = v[8:]
	}
	if flags&0x40 == 0 {
		r.beaconTemperature(number, v, second)
		return
	}
	text := v
	if second && len(v) > 0 {
		size := min(int(v[0]), len(v)-1)
		text, v = v[1:1+size], v[1+size:]
		r.beaconTemperature(number, v, second)
	}
	a.SetString("description"+number, protocol.Text(text))
}

func (r *reader) beaconTemperature(number string, v []byte, second bool) {
	if second && len(v) >= 2 {
		r.at.Attributes.SetFloat("tagTemp"+number, float64(int16(little.Uint16(v)))/10)
	}
}

// maxActivities bounds the activity times of an item.
const maxActivities = 32

// activity reads pairs of a time and a number.
func (r *reader) activity(v []byte) {
	for i := 1; len(v) >= 8 && i <= maxActivities; i++ {
		name := "activity" + strconv.Itoa(i)
		r.at.Attributes.SetInt(name+"Time", int64(little.Uint32(v)))
		r.at.Attributes.SetInt(name, int64(little.Uint32(v[4:])))
		v = v[8:]
	}
}
