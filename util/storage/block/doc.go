// Package block packs positions of one device into a few bytes each and reads
// them back, equal in every field: floats bit for bit, times to the
// millisecond, attributes in their order and of their kinds. It knows nothing
// of where blocks are kept; package history does.
//
// # Format, version 1
//
// Whole numbers are varints of encoding/binary, those that may be negative in
// zigzag; other numbers are little endian.
//
//	0   3  "WMB"
//	3   1  version
//	4   4  CRC-32C of bytes 0 to 3 and of all from 8 on
//
// These eight bytes are the same in all versions. Then in version 1:
//
//	points    how many there are, 1 to MaxPoints
//	keys      the size of section K in bytes
//	bits      the size of section B
//	size      the size of section C, at most MaxSize
//	stored    the size of section C as stored; less than size: it is a zstd frame
//	F         points × 4 bytes: the fingerprints
//	K         the columns time and number
//	B         the bits of all columns, one after the other, without gaps, in the
//	          order of the columns, from the lowest bit of each byte on
//	C         the texts, then the columns below
//
// The texts: how many; the length of each; all of them without gaps. They are
// spoken of by their index. Then:
//
//	flags      integers: 1 Valid, 2 Outdated, 4 FixTime is zero
//	other      integers: where Position.Time is DeviceTime (2 or 4), FixTime less
//	           Time (0 with 4); elsewhere DeviceTime less Time
//	server     integers: ServerTime less DeviceTime
//	latitude, longitude, altitude, speed, course, accuracy   floats
//	protocol   integers: texts
//	networks   how many differ, each as below; if any, a column of integers:
//	           0 none, else 1 + its index
//	attributes how many keys (the same name with another kind is another key),
//	           each its text and a byte, its data.Kind; how many shapes, each 0
//	           for nil or 1 + how many attributes it has and the key of each;
//	           a column of integers, the shape of each point; then per key a column
//	           of its values in the order of the points: nothing (none), integers
//	           (bool, int, texts) or floats
//
// A network: 0 for nil cells or 1 + how many, each a text (RadioType), MCC, MNC,
// LAC, CellID (zigzag) and its signal; 0 for nil access points or 1 + how many,
// each a text (MAC), Channel (zigzag) and its signal. A signal is 0 for nil or
// 1 and its zigzag.
//
// Times are milliseconds since 1970 UTC, so that the zero time is
// -62135596800000. All arithmetic on integers wraps at 64 bits.
//
// # A column of integers
//
//	mode    1 byte: bits 0-1 order, bits 2-3 coding, bit 4: a unit follows
//	first   the first value, zigzag
//	unit    by which all distances to first can be divided; 1 if absent
//	slope   with order 2 only: the first difference of units, zigzag
//
// With the units u[i] = (value[i]-first)/unit, what is coded for each i > 0 is,
// by order, u[i] (0), d[i] = u[i]-u[i-1] (1) or d[i]-d[i-1] (2), where d[0] is
// slope. The coding is one of
//
//	0 same    nothing more: all values are first (order 0, no unit)
//	1 runs    pairs until all are there: how many more than one, and the value
//	          less that of the pair before (0 before the first), zigzag
//	2 above   base (zigzag), a byte k, and in B the Rice codes of what lies above base
//	3 around  a byte k, and in B the Rice codes of the zigzags
//
// A Rice code of v with k (at most 56): v>>k zero bits, a one bit, and the low k
// bits of v; if v>>k is 16 or more: 16 zero bits and the 64 bits of v.
//
// # A column of floats
//
// A byte: bits 0-6 index divisors, bit 7 says that corrections follow. Index 0
// has a column of integers: the bits of the floats. Others have one of integers i
// and, with bit 7, one of corrections c: the float has the bits of
// float64(i)/divisor, plus c. So decimals, minutes of arc and speeds that a
// decoder converted are small integers again.
package block
