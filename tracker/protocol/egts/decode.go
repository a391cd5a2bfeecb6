package egts

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The services.
const (
	serviceAuth     = 1
	serviceTeledata = 2
)

// The sub-records of any service, of authorisation and of teledata.
const (
	recordResponse = 0

	terminalIdentity = 1
	resultCode       = 9

	positionData = 16
	extPosition  = 17
	adSensors    = 18
	liquidLevel  = 27
)

// recordHeader is length, number, flags and services, without the options.
const recordHeader = 2 + 2 + 1 + 1 + 1

// Flags of a packet: its body is compressed or encrypted.
const flagsClosed = 1<<2 | 3<<3

// Decode reads one packet.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	if len(frame) < headerShort || !mayStart(frame) || len(frame) < int(frame[3]) {
		return data.Packet{}, fmt.Errorf("decode packet %.11x: %w", frame, data.ErrInvalid)
	}
	body := frame[frame[3]:]
	if n := int(binary.LittleEndian.Uint16(frame[5:])); n < len(body) {
		body = body[:n]
	}
	switch {
	case frame[9] == packetResponse:
		return data.Packet{}, nil // it confirms what we sent
	case frame[9] == packetSigned:
		return data.Packet{}, fmt.Errorf("decode packet: signed data is not supported, switch it off in the sender: %w", data.ErrInvalid)
	case frame[2]&flagsClosed != 0:
		return data.Packet{}, fmt.Errorf("decode packet: compression and encryption are not supported, switch them off in the sender: %w", data.ErrInvalid)
	}
	room := &room{}
	d := decoder{codec: c, room: room, devices: room.devices[:0], keys: room.keys[:0]}
	d.answer = confirmation{codec: c, body: append(room.body[:0], frame[7], frame[8], 0)}
	if err := d.records(body); err != nil {
		return data.Packet{}, err
	}
	if len(d.devices) == 0 {
		d.device() // the packet has no place, but says who sends it
	}
	packet := d.devices[0]
	packet.More = d.devices[1:]
	packet.Reply = d.answer.answer(room.reply[:0], d.identity != "")
	return packet, nil
}

// room is what the usual packet, one record of one device, needs beside its
// attributes, so that it costs one allocation.
type room struct {
	devices     [1]data.Packet
	keys        [1]int64
	positions   [1]data.Position
	body, reply [32]byte
}

// decoder reads the records of a packet.
type decoder struct {
	codec *codec
	room  *room
	// identity is what the terminal called itself in this packet.
	identity string
	// devices are the packets of the devices that have a position, one each.
	devices []data.Packet
	// keys are the object ids of devices.
	keys   []int64
	answer confirmation
	// object is the last object id; later records of the packet mean it too.
	object    uint32
	hasObject bool
}

// records reads all records. One that breaks off ends the reading: only what
// was read is confirmed.
func (d *decoder) records(body []byte) error {
	r := converters.NewReader(body)
	for i := 0; r.Len() > 0 && !d.answer.full(); i++ {
		size, number, flags := int(r.U16LE()), r.U16LE(), r.U8()
		object := d.object
		hasObject := flags&1 != 0
		if hasObject {
			object = r.U32LE()
		}
		if flags&2 != 0 {
			r.Skip(4) // event
		}
		if flags&4 != 0 {
			r.Skip(4) // time of the record
		}
		service := r.U8()
		r.Skip(1) // the service that it is for
		content := r.Bytes(size)
		if !r.OK() {
			if i == 0 {
				return fmt.Errorf("decode record %d: it ends in the middle: %w", number, data.ErrInvalid)
			}
			return nil
		}
		if hasObject {
			d.object, d.hasObject = object, true
		}
		switch service {
		case serviceAuth:
			d.authorisation(content)
		case serviceTeledata:
			d.teledata(content)
		}
		d.answer.confirm(number, service)
	}
	return nil
}

// next takes a sub-record: type, length, content.
func next(b []byte) (kind byte, content, rest []byte, ok bool) {
	if len(b) < 3 {
		return 0, nil, nil, false
	}
	size := 3 + int(binary.LittleEndian.Uint16(b[1:]))
	if size > len(b) {
		return 0, nil, nil, false
	}
	return b[0], b[3:size], b[size:], true
}

// authorisation reads who calls. A relay names only itself, not a device.
func (d *decoder) authorisation(b []byte) {
	for {
		kind, content, rest, ok := next(b)
		if !ok {
			return
		}
		if kind == terminalIdentity {
			if id := identity(content); id != "" {
				d.identity, d.codec.identified = id, true
			}
		}
		b = rest
	}
}

// identity reads the name of a terminal: its IMEI, else IMSI, else telephone
// number, else the number it was given.
func identity(b []byte) string {
	r := converters.NewReader(b)
	terminal, flags := r.U32LE(), r.U8()
	var imei, imsi, phone []byte
	for bit := range 8 {
		if flags&(1<<bit) == 0 {
			continue
		}
		switch bit {
		case 0, 6: // dispatcher, size of the buffer
			r.Skip(2)
		case 1:
			imei = r.Bytes(15)
		case 2:
			imsi = r.Bytes(16)
		case 3, 5: // language, network
			r.Skip(3)
		case 7:
			phone = r.Bytes(15)
		}
	}
	for _, b := range [...][]byte{imei, imsi, phone} {
		// A terminal that does not know it fills in zeros.
		if id := protocol.Text(b); strings.Trim(id, "0") != "" {
			return id
		}
	}
	if terminal == 0 || !r.OK() {
		return ""
	}
	return strconv.FormatUint(uint64(terminal), 10)
}

// device returns the packet of the device that a record speaks for.
func (d *decoder) device() *data.Packet {
	key := terminalKey
	if !d.codec.identified && d.hasObject {
		key = int64(d.object)
	}
	for i, k := range d.keys {
		if k == key {
			return &d.devices[i]
		}
	}
	id := d.identity
	if key != terminalKey {
		if c := d.codec; c.name == "" || c.object != key {
			c.object, c.name = key, strconv.FormatInt(key, 10)
		}
		id = d.codec.name
	}
	d.keys = append(d.keys, key)
	d.devices = append(d.devices, data.Packet{Identity: id})
	if len(d.devices) == 1 {
		d.devices[0].Positions = d.room.positions[:0]
	}
	return &d.devices[len(d.devices)-1]
}

// terminalKey stands for the terminal of the connection among object ids.
const terminalKey = int64(-1)
