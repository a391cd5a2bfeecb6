package wialon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// The answer codes to a message that is not taken.
const (
	badStructure = "-1"
	badTime      = "0"
	badPlace     = "10"
)

// taken is the answer code to a message that is kept.
const taken = "1"

// Decode reads one line: an id, perhaps with the version in front, in
// datagrams and from relays; a type between # signs; and content.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	line := protocol.Text(frame)
	prefix, rest, ok := strings.Cut(line, "#")
	kind, content, ok2 := strings.Cut(rest, "#")
	if !ok || !ok2 {
		return data.Packet{}, fmt.Errorf("decode line %.20q: no type between # signs: %w", line, data.ErrInvalid)
	}
	var packet data.Packet
	if i := strings.LastIndexByte(prefix, ';'); i >= 0 {
		c.second = isSecond(prefix[:i])
		prefix = prefix[i+1:]
	}
	packet.Identity = prefix
	switch kind {
	case "L":
		return c.login(content)
	case "P":
		packet.Reply = []byte("#AP#\r\n")
	case "D", "SD":
		p := data.Position{Protocol: "wialon"}
		code := c.message(&p, content, c.second)
		if code == taken {
			packet.Positions = []data.Position{p}
		}
		packet.Reply = answer(kind, code)
	case "B":
		c.blackBox(&packet, content)
	case "M":
		p := data.Position{Protocol: "wialon", Outdated: true}
		p.Attributes.SetString("result", protocol.Text([]byte(c.uncheck(content))))
		packet.Positions = []data.Position{p}
		packet.Reply = answer(kind, taken)
	case "I", "IT", "T", "US", "UC":
		// Pictures, tachograph files, firmware and configuration are not kept.
	default:
		return data.Packet{}, fmt.Errorf("decode line: type %.10q is not known: %w", kind, data.ErrInvalid)
	}
	return packet, nil
}

func answer(kind, code string) []byte {
	b := make([]byte, 0, 12)
	b = append(append(b, "#A"...), kind...)
	b = append(append(b, '#'), code...)
	return append(b, '\r', '\n')
}

// isSecond tells whether the version in front of an id is 2 or later: only
// there is one, and it has a point.
func isSecond(version string) bool { return strings.Contains(version, ".") }

// login reads id and password, in version 2 after the version.
func (c *codec) login(content string) (data.Packet, error) {
	id, rest, _ := strings.Cut(content, ";")
	if c.second = isSecond(id); c.second {
		id, _, _ = strings.Cut(rest, ";")
	}
	if id == "" {
		return data.Packet{}, fmt.Errorf("decode login: %w", protocol.ErrNoIdentity)
	}
	return data.Packet{Identity: id, Reply: answer("L", "1"), Refusal: answer("L", "0")}, nil
}

// blackBox reads messages joined by |. In version 2 a checksum follows the last
// one. All parts are answered for: a bad one would only come again.
func (c *codec) blackBox(packet *data.Packet, content string) {
	count := 0
	packet.Positions = make([]data.Position, 0, 1+min(strings.Count(content, "|"), len(content)/minMessage))
	for content != "" {
		var part string
		part, content, _ = strings.Cut(content, "|")
		if part == "" || (content == "" && isChecksum(part)) {
			continue
		}
		count++
		p := data.Position{Protocol: "wialon"}
		if c.message(&p, part, false) == taken {
			p.Attributes.SetBool("archive", true)
			packet.Positions = append(packet.Positions, p)
		}
	}
	packet.Reply = answer("B", strconv.Itoa(count))
}

// minMessage is the size of the shortest message and bounds what separators
// can ask for.
const minMessage = 9

// uncheck cuts the checksum of version 2 off.
func (c *codec) uncheck(content string) string {
	if i := strings.LastIndexByte(content, ';'); c.second && i >= 0 && isChecksum(content[i+1:]) {
		return content[:i]
	}
	return content
}

// isChecksum tells whether s can be a checksum: four hex digits, of which some
// senders leave out zeros in front.
func isChecksum(s string) bool {
	if len(s) == 0 || len(s) > 4 {
		return false
	}
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'F' || r >= 'a' && r <= 'f') {
			return false
		}
	}
	return true
}
