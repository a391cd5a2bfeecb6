package data

import (
	"bytes"
	"fmt"
	"slices"
)

// ParseAttributes reads a JSON object of booleans, numbers and texts. It
// accepts what package encoding/json accepts, several times as fast: every
// position read from the bus or the store goes through it. Nulls are left out,
// of a repeated key the last value counts, and an integer stays one as long as
// it fits into 64 bits. A nested object or list is an error, as is anything
// after the object; null is no attributes. Errors wrap ErrInvalid. The result
// does not refer to b, and takes memory in proportion to it.
func ParseAttributes(b []byte) (Attributes, error) { return ParseAttributesLike(b, nil) }

// ParseAttributesLike is ParseAttributes, and faster if the keys are those of
// others, in their order, as of two reports of one kind of device.
func ParseAttributesLike(b []byte, others Attributes) (Attributes, error) {
	a, err := parseAttributes(nil, b, others)
	if err != nil {
		return nil, fmt.Errorf("read attributes: %w", err)
	}
	return a, nil
}

// parseAttributes writes into the room of a, whose content is lost.
func parseAttributes(a Attributes, b []byte, others Attributes) (Attributes, error) {
	s := scanner{b: b, others: others}
	if s.literal("null") {
		return nil, s.end()
	}
	if !s.take('{') {
		return nil, s.unexpected("an object")
	}
	if s.take('}') {
		return a[:0], s.end()
	}
	if a == nil {
		// The number of attributes, more or less; append knows better.
		a = make(Attributes, 0, min(bytes.Count(b, colon), fewAttributes))
	}
	set := attributeSet{list: a[:0]}
	for {
		key, err := s.key()
		if err != nil {
			return nil, err
		}
		v, err := s.value()
		if err != nil {
			return nil, fmt.Errorf("attribute %.40q: %w", key, err)
		}
		set.add(key, v)
		if s.take(',') {
			continue
		}
		if !s.take('}') {
			return nil, s.unexpected("a comma or the end of the object")
		}
		return set.close(), s.end()
	}
}

var colon = []byte{':'}

// fewAttributes is up to how many attributes it is best to look at them all.
const fewAttributes = 64

// attributeSet is Attributes.Set for objects of any size. A stranger can send
// thousands of keys, and comparing each with all others would take seconds.
type attributeSet struct {
	list Attributes
	// index says where a key lies; nil while there are few.
	index map[string]int
	// nulls says that list holds values that are none.
	nulls bool
}

func (s *attributeSet) find(key string) int {
	if s.index == nil {
		return slices.IndexFunc(s.list, func(a Attribute) bool { return a.Key == key })
	}
	if i, ok := s.index[key]; ok {
		return i
	}
	return -1
}

func (s *attributeSet) add(key string, v Value) {
	if i := s.find(key); i >= 0 {
		s.list[i].Value = v
		s.nulls = s.nulls || v.kind == KindNone
		return
	}
	if v.kind == KindNone {
		return
	}
	s.list = append(s.list, Attribute{key, v})
	switch {
	case s.index != nil:
		s.index[key] = len(s.list) - 1
	case len(s.list) > fewAttributes:
		s.index = make(map[string]int, 2*len(s.list))
		for i := range s.list {
			s.index[s.list[i].Key] = i
		}
	}
}

// close returns what was added.
func (s *attributeSet) close() Attributes {
	if s.nulls {
		return slices.DeleteFunc(s.list, func(a Attribute) bool { return a.Value.kind == KindNone })
	}
	return s.list
}

// knownKeys are the attribute names that occur often, so that reading them
// makes no new texts.
var knownKeys = func() map[string]string {
	keys := map[string]string{}
	for _, k := range [...]string{
		"accel", "acceleration", "accuracy", "activity", "address", "alarm", "altitude", "appliance", "archive", "armed",
		"audio", "axleWeight", "battery", "batteryCurrent", "batteryLevel", "batteryTemperature", "block",
		"blocked", "card", "cardUniqueId", "charge", "clutch", "command", "connector", "coolantTemp", "count",
		"counter", "current", "customer", "deviceId", "deviceTemp", "distance", "door", "driverUniqueId",
		"dtcs", "emergency", "engineLoad", "engineTemp", "event", "eventId", "fuel", "fuel2", "fuelConsumption",
		"fuelLevel", "fuelUsed", "gSensor", "geofence", "geofenceIds", "gps", "gpsStatus", "gsm", "hdop",
		"heading", "heartRate", "hours", "humidity", "iccid", "ignition", "image", "imei", "imsi", "index",
		"input", "lac", "lbs", "lock", "lowBattery", "message", "mileage", "mode", "motion", "networkType",
		"obdOdometer", "obdSpeed", "odometer", "operator", "output", "pdop", "phone", "power", "powerSupply",
		"pressure", "priority", "protocol", "raw", "reason", "result", "roaming", "rpm", "rssi", "sat",
		"satVisible", "satellites", "serial", "serviceOdometer", "speed", "speedLimit", "status", "steps",
		"tag", "temp", "temperature", "throttle", "tripOdometer", "type", "totalDistance", "totalFuel",
		"vdop", "version", "versionFw", "versionHw", "video", "vin", "voltage", "wifi",
	} {
		keys[k] = k
	}
	for prefix, last := range map[string]int{
		"adc": 8, "axleWeight": 8, "counter": 4, "door": 4, "fuel": 4, "humidity": 4, "in": 16, "input": 8,
		"io": 999, "out": 16, "output": 8, "power": 4, "temp": 16, "tag": 8, "battery": 4,
	} {
		for i := range last + 1 {
			k := fmt.Sprint(prefix, i)
			keys[k] = k
		}
	}
	return keys
}()
