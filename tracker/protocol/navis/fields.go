package navis

import (
	"math"

	"github.com/waymark-gps/waymark/util/converters"
)

// f32 takes a little endian number of four bytes with a floating point.
func f32(r *converters.Reader) float64 { return float64(math.Float32frombits(r.U32LE())) }

// maxFields is the number of fields of FLEX 3.0.
const maxFields = 255

// sizes are the sizes of the FLEX fields in bytes, by their number from 1. A
// record has the fields of the agreement, so each must be known to cut one.
var sizes = func() (t [maxFields + 1]uint8) {
	next := 1
	for _, run := range [...]struct{ last, size int }{
		// FLEX 1.0
		{1, 4},
		{2, 2},
		{3, 4},
		{8, 1},
		{13, 4},
		{14, 2},
		{16, 4},
		{28, 2},
		{32, 1},
		{34, 4},
		{36, 2},
		{37, 4},
		{44, 2},
		{52, 1},
		{53, 2},
		{54, 4},
		{55, 2},
		{56, 1},
		{57, 4},
		{62, 2},
		{65, 1},
		{66, 2},
		{67, 4},
		{68, 2},
		{69, 1},
		// FLEX 2.0
		{70, 8},
		{71, 2},
		{72, 1},
		{73, 16},
		{74, 4},
		{75, 2},
		{76, 4},
		{77, 37},
		{83, 1},
		{93, 3},
		{94, 6},
		{95, 12},
		{96, 24},
		{97, 48},
		{101, 1},
		{103, 4},
		{104, 1},
		{105, 4},
		{106, 2},
		{107, 6},
		{108, 2},
		{109, 6},
		{117, 2},
		{118, 1},
		{121, 2},
		{122, 1},
		// FLEX 3.0
		{126, 1},
		{132, 4},
		{138, 2},
		{140, 1},
		{141, 2},
		{142, 3},
		{143, 2},
		{145, 1},
		{146, 3},
		{166, 2},
		{170, 1},
		{171, 2},
		{174, 4},
		{175, 2},
		{176, 4},
		{178, 2},
		{179, 4},
		{192, 2},
		{196, 4},
		{197, 6},
		{198, 3},
		{199, 1},
		{201, 2},
		{202, 1},
		{203, 4},
		{204, 5},
		{206, 4},
		{222, 1},
		{237, 2},
		{252, 4},
		{255, 8},
	} {
		for ; next <= run.last; next++ {
			t[next] = uint8(run.size)
		}
	}
	return t
}()

// agree reads a mask of fields, field 1 in the highest bit of the first byte.
func agree(mask []byte, count int) (fields []uint8, size int) {
	fields = make([]uint8, 0, count)
	for n := 1; n <= count && (n-1)/8 < len(mask); n++ {
		if mask[(n-1)/8]&(0x80>>((n-1)%8)) != 0 {
			fields = append(fields, uint8(n))
			size += int(sizes[n])
		}
	}
	return fields, size
}
