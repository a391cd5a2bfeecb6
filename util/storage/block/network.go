package block

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/data"
)

// addNetworks writes the distinct networks and which point has which.
func (w *writer) addNetworks(points []Point) error {
	start := len(w.body)
	var before *data.Network
	var index int64
	for i := range points {
		if n := points[i].Position.Network; n == nil {
			w.ints[i] = 0
			continue
		} else if n != before {
			index = w.networkIndex(n)
			before = n
			if err := w.fits(); err != nil {
				return err
			}
		}
		w.ints[i] = index
	}
	distinct := binary.AppendUvarint(nil, uint64(len(w.networkOf)))
	w.body = append(w.body, distinct...)
	copy(w.body[start+len(distinct):], w.body[start:])
	copy(w.body[start:], distinct)
	if len(w.networkOf) > 0 {
		w.body = w.coder.append(w.body, w.ints)
	}
	return nil
}

// networkIndex returns 1 + the index of n, which it writes if it is new.
func (w *writer) networkIndex(n *data.Network) int64 {
	b := w.network[:0]
	b = appendCount(b, n.CellTowers)
	for i := range n.CellTowers {
		c := &n.CellTowers[i]
		b = binary.AppendUvarint(b, uint64(w.text(c.RadioType)))
		b = binary.AppendVarint(b, int64(c.MCC))
		b = binary.AppendVarint(b, int64(c.MNC))
		b = binary.AppendVarint(b, int64(c.LAC))
		b = binary.AppendVarint(b, c.CellID)
		b = appendSignal(b, c.SignalDBm)
	}
	b = appendCount(b, n.WifiAccessPoints)
	for i := range n.WifiAccessPoints {
		a := &n.WifiAccessPoints[i]
		b = binary.AppendUvarint(b, uint64(w.text(a.MAC)))
		b = binary.AppendVarint(b, int64(a.Channel))
		b = appendSignal(b, a.SignalDBm)
	}
	w.network = b
	index, ok := w.networkOf[string(b)]
	if !ok {
		index = int64(len(w.networkOf)) + 1
		w.networkOf[string(b)] = index
		w.body = append(w.body, b...)
		w.values += 1 + len(n.CellTowers) + len(n.WifiAccessPoints)
	}
	return index
}

// appendCount appends 0 for nil or 1 + how many there are.
func appendCount[T any](b []byte, list []T) []byte {
	if list == nil {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(len(list))+1)
}

func appendSignal(b []byte, signal *int) []byte {
	if signal == nil {
		return append(b, 0)
	}
	return binary.AppendVarint(append(b, 1), int64(*signal))
}

// network reads one network.
func (r *reader) network() *data.Network {
	n := &data.Network{}
	// A cell takes at least six bytes, an access point three.
	if count, ok := r.listCount(6); ok {
		n.CellTowers = make([]data.CellTower, count)
	}
	for i := range n.CellTowers {
		n.CellTowers[i] = data.CellTower{
			RadioType: r.text(), MCC: int(r.varint()), MNC: int(r.varint()), LAC: int(r.varint()), CellID: r.varint(), SignalDBm: r.signal(),
		}
	}
	if count, ok := r.listCount(3); ok {
		n.WifiAccessPoints = make([]data.WifiAccessPoint, count)
	}
	for i := range n.WifiAccessPoints {
		n.WifiAccessPoints[i] = data.WifiAccessPoint{MAC: r.text(), Channel: int(r.varint()), SignalDBm: r.signal()}
	}
	return n
}

// listCount reads how many things of at least size bytes follow; ok is false
// for nil.
func (r *reader) listCount(size int) (count int, ok bool) {
	n := r.uvarint()
	if n == 0 {
		return 0, false
	}
	return r.spend(n-1, size), true
}

func (r *reader) signal() *int {
	switch r.byte() {
	case 0:
		return nil
	case 1:
		signal := int(r.varint())
		return &signal
	}
	r.fail("a signal that is neither there nor not")
	return nil
}
