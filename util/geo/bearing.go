package geo

import "math"

// Bearing is the direction in which the great circle from the first point to
// the second one starts, 0 to below 360 degrees; 0 if they are the same point.
func Bearing(lat1, lon1, lat2, lon2 float64) float64 {
	dLon := radians(lon2 - lon1)
	lat1, lat2 = radians(lat1), radians(lat2)
	y := math.Sin(dLon) * math.Cos(lat2)
	x := math.Cos(lat1)*math.Sin(lat2) - math.Sin(lat1)*math.Cos(lat2)*math.Cos(dLon)
	return math.Mod(degrees(math.Atan2(y, x))+360, 360)
}
