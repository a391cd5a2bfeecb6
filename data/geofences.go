package data

// Geofence is an area, or a line with a width.
type Geofence struct {
	ID int64 `json:"id"`
	// Attributes are free; known are color, speedLimit (knots) and
	// polylineDistance (metres to both sides of a line).
	Attributes Free `json:"attributes"`
	// CalendarID is when it applies; 0 for always.
	CalendarID  int64  `json:"calendarId"`
	Name        string `json:"name"`
	Description Text   `json:"description"`
	// Area is well-known text in the order latitude longitude, degrees of WGS 84:
	// POLYGON, LINESTRING or CIRCLE (radius in metres). See util/geo/wkt.
	Area string `json:"area"`
}

// Kind implements Object.
func (*Geofence) Kind() ObjectKind { return GeofenceKind }

// Fields implements Object.
func (g *Geofence) Fields() Fields {
	return Fields{ID: &g.ID, Name: g.Name, CalendarID: &g.CalendarID}
}
