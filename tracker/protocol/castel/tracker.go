package castel

import (
	"github.com/waymark-gps/waymark/data"
)

// The message types of GPS trackers.
const (
	ccLogin         = 0x4001
	ccHeartbeat     = 0x4206
	mpipGPS         = 0x4001
	mpipLogin       = 0x2001
	mpipReport1     = 0x4201
	mpipReport2     = 0x4202
	mpipMany        = 0x4204
	mpipReport3     = 0x4206
	mpipManyItems   = 8
	mpipItemTail    = 31
	mpipAnswerLogin = 0x1001
)

// tracker reads a message of a CC tracker.
func (m *message) tracker() error {
	r := &m.body
	switch m.kind {
	case ccLogin:
		m.answer(0x8001, nil)
		if err := m.oneItem(); err != nil {
			return err
		}
		m.trackerState(m.last())
	case ccHeartbeat:
		m.answer(0x8206, nil)
		m.history()
		const tail = 4 + 1 + 4 + 3 + 2 + 2
		count := int(r.U8())
		count = min(count, r.Len()/(itemSize+tail))
		m.fixes = m.out.positions[:0]
		if count > 1 {
			m.fixes = make([]data.Position, 0, count)
		}
		for range count {
			p := m.addFix()
			m.trackerState(p)
			r.Skip(3) // geofence
			lac, cell := r.U16LE(), r.U16LE()
			p.Network = &data.Network{CellTowers: []data.CellTower{{LAC: int(lac), CellID: int64(cell)}}}
		}
	}
	return nil
}

// trackerState reads what follows a fix.
func (m *message) trackerState(p *data.Position) {
	r := &m.body
	if r.Len() < 4+1+4 {
		return
	}
	p.Attributes.SetInt("status", int64(r.U32LE()))
	p.Attributes.SetInt("batteryLevel", int64(r.U8()))
	p.Attributes.SetInt("odometer", int64(r.U32LE()))
}

// mpip reads a message of an MPIP tracker.
func (m *message) mpip() error {
	r := &m.body
	switch m.kind {
	case mpipGPS:
		m.answer(mpipGPS, nil)
		return m.oneItem()
	case mpipLogin:
		m.answer(mpipAnswerLogin, []byte{0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
		r.Skip(4 + 4 + 1) // index, time
		return m.oneItem()
	case mpipReport1, mpipReport2, mpipReport3:
		return m.oneItem()
	case mpipMany:
		m.fixes = make([]data.Position, 0, mpipManyItems)
		for range mpipManyItems {
			if r.Len() < itemSize {
				break
			}
			m.addFix()
			r.Skip(min(mpipItemTail, r.Len()))
		}
	}
	return nil
}
