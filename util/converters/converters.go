// Package converters holds the small pure conversions that device protocols
// share: units, binary coded decimals, checksums, binary fields, addresses.
package converters

import "math"

// KnotsFromKmh converts kilometres per hour to knots.
func KnotsFromKmh(kmh float64) float64 { return kmh / 1.852 }

// KmhFromKnots converts knots to kilometres per hour.
func KmhFromKnots(knots float64) float64 { return knots * 1.852 }

// KnotsFromMps converts metres per second to knots.
func KnotsFromMps(mps float64) float64 { return mps * 3600 / 1852 }

// MpsFromKnots converts knots to metres per second.
func MpsFromKnots(knots float64) float64 { return knots * 1852 / 3600 }

// Clamp rounds v to the nearest whole number within low to high; NaN is low.
func Clamp(v float64, low, high int64) int64 {
	switch r := math.Round(v); {
	case !(r > float64(low)):
		return low
	case r >= float64(high):
		return high
	default:
		return int64(r)
	}
}

// LuhnDigit returns the check digit of a number written in decimal digits, as
// the last digit of an IMEI (ISO/IEC 7812-1, annex B). ok is false if digits
// holds anything else.
func LuhnDigit(digits string) (digit byte, ok bool) {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i]) - '0'
		if d < 0 || d > 9 {
			return 0, false
		}
		if i%2 == 0 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10), true
}

// MACText writes a hardware address as pairs of lower case hex digits joined by
// colons, "00:1a:ff:03:04:05"; "" without bytes.
func MACText(address []byte) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 17)
	for i, b := range address {
		if i > 0 {
			text = append(text, ':')
		}
		text = append(text, digits[b>>4], digits[b&15])
	}
	return string(text)
}
