package block

import (
	"math"
	"math/bits"
)

// divisors are by what a column of floats may have been divided. Their order is
// part of the format: add at the end, with a new version.
var divisors = [...]float64{
	0: 0, // the bits of the floats
	// Decimals.
	1: 1, 2: 1e1, 3: 1e2, 4: 1e3, 5: 1e4, 6: 1e5, 7: 1e6, 8: 1e7, 9: 1e8, 10: 1e9,
	// Degrees of minutes with 3, 4 and 5 decimals, of 1/30000 minute, of
	// milliseconds of arc.
	11: 60e3, 12: 600e3, 13: 6e6, 14: 1.8e6, 15: 3.6e6,
	// Knots of km/h, 0.1 and 0.01 km/h.
	16: 1.852, 17: 18.52, 18: 185.2,
	// Knots of m/s, 0.1 and 0.01 m/s.
	19: 1852. / 3600, 20: 18520. / 3600, 21: 185200. / 3600,
	// Knots of mph and 0.1 mph.
	22: 1.852 / 1.609344, 23: 18.52 / 1.609344,
}

const correctedBit = 1 << 7

// exactInt is up to where float64 holds all integers.
const exactInt = 1 << 53

// unscale returns what the float of the bits b is written as.
func unscale(b uint64, divisor float64) (i, correction int64) {
	if divisor == 0 {
		return int64(b), 0
	}
	if scaled := math.Float64frombits(b) * divisor; math.Abs(scaled) < exactInt {
		// As math.Round, but at once: to the even one in the middle will do.
		i = int64(math.RoundToEven(scaled))
	}
	return i, int64(b - math.Float64bits(float64(i)/divisor))
}

// floatCoder finds the shortest way to write a column of floats.
type floatCoder struct {
	ints, corrections, otherInts, otherCorrections []int64
}

// append writes a column of floats, given by their bits.
func (f *floatCoder) append(dst []byte, c *intCoder, values []uint64) []byte {
	n := len(values)
	f.ints, f.corrections = grow(f.ints, n), grow(f.corrections, n)
	index := chooseDivisor(values, nil)
	off := split(f.ints, f.corrections, values, divisors[index])
	if off > 0 && index != 0 {
		// The choice looked at some only: look at those that it does not fit.
		other := chooseDivisor(values, f.corrections)
		f.otherInts, f.otherCorrections = grow(f.otherInts, n), grow(f.otherCorrections, n)
		otherOff := split(f.otherInts, f.otherCorrections, values, divisors[other])
		if otherOff+estimate(f.otherInts) < off+estimate(f.ints) {
			index, off = other, otherOff
			f.ints, f.otherInts = f.otherInts, f.ints
			f.corrections, f.otherCorrections = f.otherCorrections, f.corrections
		}
	}
	if off == 0 {
		dst = append(dst, byte(index))
		return c.append(dst, f.ints)
	}
	dst = append(dst, byte(index|correctedBit))
	dst = c.append(dst, f.ints)
	return c.append(dst, f.corrections)
}

// split returns about how many bits the corrections have.
func split(ints, corrections []int64, values []uint64, divisor float64) (off int) {
	for i, v := range values {
		ints[i], corrections[i] = unscale(v, divisor)
		off += bits.Len64(zigzag(corrections[i]))
	}
	return off
}

// estimate returns about how many bits the differences of values have.
func estimate(values []int64) (cost int) {
	before := values[0]
	for _, v := range values {
		cost += bits.Len64(zigzag(v - before))
		before = v
	}
	return cost
}

// samples is how many values a choice looks at.
const samples = 16

// chooseDivisor returns the divisor that suits a sample of values best: of all,
// or of those whose correction is not zero.
func chooseDivisor(values []uint64, corrections []int64) int {
	fit := func(i int) bool { return corrections != nil && corrections[i] == 0 }
	from := 0
	for i := range values {
		if !fit(i) {
			from++
		}
	}
	var sample [samples]uint64
	count, skip := 0, 0
	for i, v := range values {
		if count == samples || fit(i) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		skip = from/samples - 1
		if count == 0 || sample[count-1] != v {
			sample[count] = v
			count++
		}
	}
	return cheapest(sample[:count])
}

func cheapest(sample []uint64) int {
	best, least := 0, math.MaxInt
	for index, divisor := range divisors {
		cost := 0
		var before int64
		for i, v := range sample {
			value, correction := unscale(v, divisor)
			cost += 2 * bits.Len64(zigzag(correction))
			if i == 0 {
				// The first value is written once, but large numbers are no good.
				cost += bits.Len64(zigzag(value)) / 8
			} else {
				cost += bits.Len64(zigzag(value - before))
			}
			if before = value; cost >= least {
				break
			}
		}
		if cost < least {
			best, least = index, cost
		}
	}
	return best
}
