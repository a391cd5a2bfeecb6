package filter

import "github.com/waymark-gps/waymark/util/movement/fix"

// outOfRange marks places that are not on the earth; it cannot be switched off.
func outOfRange(f *fix.Fix) Mark {
	if f.Lat >= -90 && f.Lat <= 90 && f.Lon >= -180 && f.Lon <= 180 {
		return Mark{}
	}
	return Mark{Reason: Range} // NaN too: it compares false
}
