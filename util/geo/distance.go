// Package geo measures on the earth, taken as a ball. Latitudes and longitudes
// are WGS 84 degrees, distances metres, bearings degrees clockwise from north.
// The ball is off by up to 0.5 per cent, which is less than a fix is.
package geo

import "math"

// earthRadiusM is the mean radius of the earth (IUGG, R1) in metres.
const earthRadiusM = 6_371_008.8

func radians(deg float64) float64 { return deg * math.Pi / 180 }
func degrees(rad float64) float64 { return rad * 180 / math.Pi }

// Distance is the length of the great circle between two points in metres, by
// the haversine formula, which is exact for small distances too.
func Distance(lat1, lon1, lat2, lon2 float64) float64 {
	sinLat := math.Sin(radians(lat2-lat1) / 2)
	sinLon := math.Sin(radians(lon2-lon1) / 2)
	h := sinLat*sinLat + math.Cos(radians(lat1))*math.Cos(radians(lat2))*sinLon*sinLon
	return 2 * earthRadiusM * math.Asin(math.Sqrt(min(1, h)))
}
