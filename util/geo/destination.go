package geo

import "math"

// Destination is the point that lies distanceM metres from a point in the
// direction of bearingDeg. Its longitude is -180 to below 180 degrees.
func Destination(lat, lon, bearingDeg, distanceM float64) (destLat, destLon float64) {
	arc := distanceM / earthRadiusM
	lat, bearing := radians(lat), radians(bearingDeg)
	sinLat := math.Sin(lat)*math.Cos(arc) + math.Cos(lat)*math.Sin(arc)*math.Cos(bearing)
	destLat = math.Asin(max(-1, min(1, sinLat)))
	dLon := math.Atan2(math.Sin(bearing)*math.Sin(arc)*math.Cos(lat), math.Cos(arc)-math.Sin(lat)*sinLat)
	destLon = math.Mod(lon+degrees(dLon)+540, 360) - 180
	return degrees(destLat), destLon
}
