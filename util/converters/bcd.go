package converters

// FromBCD reads one binary coded decimal byte, 0x59 is 59. ok is false if a
// half of it is no decimal digit.
func FromBCD(b byte) (n int, ok bool) {
	high, low := b>>4, b&15
	return int(high)*10 + int(low), high <= 9 && low <= 9
}

// BCDDigits returns the digits of packed binary coded decimals as text. Halves
// above 9, which fill up odd lengths, are left out.
func BCDDigits(packed []byte) string {
	out := make([]byte, 0, 2*len(packed))
	for _, b := range packed {
		for _, half := range [2]byte{b >> 4, b & 15} {
			if half <= 9 {
				out = append(out, '0'+half)
			}
		}
	}
	return string(out)
}

// AppendBCD appends decimal digits packed two to a byte into size bytes, zeros
// in front. Longer numbers lose their first digits; what is no digit counts as 0.
func AppendBCD(b []byte, digits string, size int) []byte {
	for i := 2 * size; i > 0; i -= 2 {
		b = append(b, digitFromRight(digits, i)<<4|digitFromRight(digits, i-1))
	}
	return b
}

func digitFromRight(digits string, place int) byte {
	if place > len(digits) {
		return 0
	}
	c := digits[len(digits)-place]
	if c < '0' || c > '9' {
		return 0
	}
	return c - '0'
}
