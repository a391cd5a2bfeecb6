package gl200

import (
	"bytes"
	"math"

	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// information reads INF: state, ICCID, signal and supply.
func (m *message) information() {
	a := &m.at.Attributes
	i := m.head
	take := func() []byte {
		i++
		if i > m.sent {
			return nil
		}
		return m.f[i-1]
	}
	setState(a, take())
	a.SetString("iccid", string(bytes.TrimSpace(take())))
	if v, ok := fields.Integer(take()); ok {
		a.SetInt("rssi", int64(v))
	}
	take() // quality
	take() // external supply
	for skip := range 2 {
		if b := m.field(i + skip); i+skip < m.sent && len(b) == 12 && fields.AllHexDigits(b) {
			i += skip + 1 // address of the Bluetooth radio
			if v, ok := fields.Number(take()); ok {
				a.SetFloat("deviceTemp", v)
			}
			if v, ok := fields.Number(take()); ok {
				a.SetFloat("humidity", v)
			}
			break
		}
	}
	if external := take(); hasPoint(external) {
		m.odometer(i - 1)
	} else {
		setVolts(a, "power", external)
	}
	// Up to three fields may come before the battery, which alone has a point.
	for range 3 {
		b := m.field(i)
		if v, ok := fields.Number(b); ok && i < m.sent && hasPoint(b) && v < 20 {
			break
		}
		if i >= m.sent {
			return
		}
		setVolts(a, "power2", b)
		i++
	}
	if v, ok := fields.Number(take()); ok && v < 20 {
		a.SetFloat("battery", v)
	}
	take()
	if b := take(); len(b) == 1 {
		a.SetBool("charge", b[0] == '1')
	}
	i += 4
	if !m.model.adc3 || m.model.gv200 {
		return
	}
	for n := 1; n <= 3; n++ {
		if v, ok := fields.Integer(take()); ok {
			a.SetInt(adcNames[n], converters.Clamp(float64(v), 0, math.MaxInt32))
		}
	}
}
