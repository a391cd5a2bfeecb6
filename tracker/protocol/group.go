package protocol

import "github.com/waymark-gps/waymark/data"

// Group gathers what one request says of several devices: a packet for each, in
// the order in which the devices come. The zero value is ready.
type Group struct {
	list []data.Packet
	// index says where a device lies; nil while there is only one.
	index map[string]int
}

// Of returns the packet of a device, to be filled before the next call; isNew
// says that it is empty but for the identity.
func (g *Group) Of(id string) (packet *data.Packet, isNew bool) {
	if n := len(g.list); n > 0 && g.list[n-1].Identity == id {
		return &g.list[n-1], false
	}
	if i, ok := g.index[id]; ok {
		return &g.list[i], false
	}
	switch {
	case g.index != nil:
		g.index[id] = len(g.list)
	case len(g.list) > 0:
		g.index = map[string]int{g.list[0].Identity: 0, id: 1}
	}
	g.list = append(g.list, data.Packet{Identity: id})
	return &g.list[len(g.list)-1], true
}

// Packet returns the packet of the first device, with those of the others behind
// it; ok is false if there is none.
func (g *Group) Packet() (packet data.Packet, ok bool) {
	if len(g.list) == 0 {
		return packet, false
	}
	packet, packet.More = g.list[0], g.list[1:]
	return packet, true
}
