package minifinder2

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// texts are the items of a configuration that are text.
var texts = map[byte]string{0x03: "imei", 0x04: "iccid", 0x13: "deviceName", 0x40: "apn"}

// readConfiguration reads the settings of a device. The items without a name are kept by their number, as text or in hex.
func readConfiguration(items []byte) data.Packet {
	p := data.Position{Protocol: "minifinder2", Outdated: true}
	var packet data.Packet
	a := &p.Attributes
	for len(items) > 0 {
		key, v, rest := nextItem(items)
		items = rest
		n := len(v)
		switch {
		case n == 0, key == 0x41, key == 0x42, key == 0x30 && n == 1:
			// Nothing, the name and the password of the network, which are none
			// of ours, or the place of a number that is not set.
		case key == 0x02 && n >= 4:
			a.SetInt("versionFw", int64(little.Uint32(v)))
		case texts[key] != "":
			a.SetString(texts[key], protocol.Text(v))
			if key == 0x03 {
				packet.Identity = protocol.Text(v)
			}
		case key == 0x0A && n >= 4:
			a.SetInt("interval", int64(little.Uint32(v)&0xFFFFFF))
			a.SetInt("petMode", int64(v[3]))
		case key == 0x14 && n >= 3:
			a.SetInt("batteryLevel", int64(v[0]))
			a.SetFloat("battery", float64(little.Uint16(v[1:]))/1000)
		case key == 0x30 && n >= 2:
			// The low half of the flags is the place of the number in the list.
			a.SetString("phone"+strconv.Itoa(int(v[0]&15)+1), protocol.Text(v[1:]))
		case key == 0x43 && n >= 4:
			a.SetString("server", protocol.Text(v[3:])+":"+strconv.Itoa(int(little.Uint16(v[1:]))))
		case key == 0x44 && n >= 12:
			a.SetInt("heartbeatInterval", int64(little.Uint32(v)))
			a.SetInt("uploadInterval", int64(little.Uint32(v[4:])))
			a.SetInt("uploadLazyInterval", int64(little.Uint32(v[8:])))
		case key == 0x64 && n >= 5:
			a.SetInt("rssi", int64(v[0]))
			a.SetInt("band", int64(little.Uint32(v[1:])))
			a.SetString("operator", protocol.Text(v[5:]))
		default:
			a.SetString("setting"+hex.EncodeToString([]byte{key}), printable(v))
		}
	}
	if len(p.Attributes) > 0 {
		packet.Positions = []data.Position{p}
	}
	return packet
}

// printable is v as text if it is some, else in hex.
func printable(v []byte) string {
	for _, c := range v {
		if c < ' ' {
			return hex.EncodeToString(v)
		}
	}
	if len(v) < 4 || !utf8.Valid(v) {
		return hex.EncodeToString(v)
	}
	return protocol.Text(v)
}
