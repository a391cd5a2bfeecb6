package data

import (
	"encoding/json"
	"strconv"
	"time"
)

// timeLayout is how the API writes times: ISO 8601, milliseconds, offset.
const timeLayout = "2006-01-02T15:04:05.000-07:00"

// AppendJSONTime appends t as the API writes times, null for the zero time.
func AppendJSONTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeLayout)
	return append(b, '"')
}

// appendDate is AppendJSONTime for dates that clients never expect to be null:
// a device that has not had a fix yet shows the beginning of Unix time.
func appendDate(b []byte, t time.Time) []byte {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return AppendJSONTime(b, t)
}

// AppendJSON appends p as the API's position object. It is written by hand
// because every live position goes through it.
func (p *Position) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, p.ID, 10)
	b = append(b, `,"deviceId":`...)
	b = strconv.AppendInt(b, p.DeviceID, 10)
	b = append(b, `,"protocol":`...)
	b = AppendJSONString(b, p.Protocol)
	b = append(b, `,"serverTime":`...)
	b = appendDate(b, p.ServerTime)
	b = append(b, `,"deviceTime":`...)
	b = appendDate(b, p.DeviceTime)
	b = append(b, `,"fixTime":`...)
	b = appendDate(b, p.FixTime)
	b = append(b, `,"outdated":`...)
	b = strconv.AppendBool(b, p.Outdated)
	b = append(b, `,"valid":`...)
	b = strconv.AppendBool(b, p.Valid)
	b = append(b, `,"latitude":`...)
	b = appendFloat(b, p.Latitude)
	b = append(b, `,"longitude":`...)
	b = appendFloat(b, p.Longitude)
	b = append(b, `,"altitude":`...)
	b = appendFloat(b, p.AltitudeM)
	b = append(b, `,"speed":`...)
	b = appendFloat(b, p.SpeedKnots)
	b = append(b, `,"course":`...)
	b = appendFloat(b, p.CourseDeg)
	b = append(b, `,"address":`...)
	b = appendOptional(b, p.Attributes.Get(Address).String())
	b = append(b, `,"accuracy":`...)
	b = appendFloat(b, p.AccuracyM)
	b = append(b, `,"network":`...)
	b = p.Network.AppendJSON(b)
	b = append(b, `,"geofenceIds":`...)
	b = appendIDs(b, p.Attributes)
	b = append(b, `,"attributes":`...)
	b = p.Attributes.appendJSON(b, GeofenceIDs, Address)
	return append(b, '}')
}

// GeofenceIDs is the attribute of a position that names the geofences which the
// device is in: their ids, ascending, with commas between them. In the API it is
// a field of its own.
const GeofenceIDs = "geofenceIds"

// Address is the attribute of a position that says where it is in words: what
// the device has said, or the name of the geofence it is in or near. In the API
// it is a field of its own.
const Address = "address"

// appendIDs appends that attribute as a list, null if there is none.
func appendIDs(b []byte, a Attributes) []byte {
	text, _ := a.Get(GeofenceIDs).Text()
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c != ',' || i == 0 || i == len(text)-1 || text[i-1] == ',') {
			text = "" // not ours
			break
		}
	}
	if text == "" {
		return append(b, "null"...)
	}
	b = append(b, '[')
	b = append(b, text...)
	return append(b, ']')
}

// AppendJSON appends d as the API's device object, with its status at now.
func (d *Device) AppendJSON(b []byte, now time.Time) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, d.ID, 10)
	b = append(b, `,"attributes":`...)
	b = appendFree(b, d.Attributes)
	b = append(b, `,"groupId":`...)
	b = strconv.AppendInt(b, d.GroupID, 10)
	b = append(b, `,"calendarId":`...)
	b = strconv.AppendInt(b, d.CalendarID, 10)
	b = append(b, `,"name":`...)
	b = AppendJSONString(b, d.Name)
	b = append(b, `,"uniqueId":`...)
	b = AppendJSONString(b, d.UniqueID)
	b = append(b, `,"status":`...)
	b = AppendJSONString(b, d.Status(now))
	b = append(b, `,"lastUpdate":`...)
	b = AppendJSONTime(b, d.LastUpdate)
	b = append(b, `,"positionId":`...)
	b = strconv.AppendInt(b, d.PositionID, 10)
	b = append(b, `,"phone":`...)
	b = appendOptional(b, d.Phone)
	b = append(b, `,"model":`...)
	b = appendOptional(b, d.Model)
	b = append(b, `,"contact":`...)
	b = appendOptional(b, d.Contact)
	b = append(b, `,"category":`...)
	b = appendOptional(b, d.Category)
	b = append(b, `,"disabled":`...)
	b = strconv.AppendBool(b, d.Disabled)
	b = append(b, `,"expirationTime":`...)
	b = AppendJSONTime(b, d.ExpiresAt)
	return append(b, '}')
}

// appendOptional writes an empty text as null, as the API does.
func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return AppendJSONString(b, s)
}

// appendFree writes free attributes, which came from JSON and so go back to it.
func appendFree(b []byte, free map[string]any) []byte {
	if len(free) == 0 {
		return append(b, "{}"...)
	}
	j, err := json.Marshal(free)
	if err != nil {
		return append(b, "{}"...)
	}
	return append(b, j...)
}
