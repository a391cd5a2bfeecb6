package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func block(t testing.TB, points []Point) []byte {
	t.Helper()
	b, err := Append(nil, points)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seal makes the beginning of b that of a block and its checksum right.
func seal(b []byte) []byte {
	b = append(make([]byte, 0, len(b)), b...)
	for len(b) < headerSize {
		b = append(b, 0)
	}
	copy(b, magic)
	b[3] = version
	binary.LittleEndian.PutUint32(b[4:], checksum(b))
	return b
}

// refuse calls all that reads blocks, and wants the same kind of error of each.
func refuse(t *testing.T, b []byte, want error, text string) {
	t.Helper()
	points, parse := Parse(b, testDevice, make([]Point, 1, 8))
	_, check := Check(b)
	for name, err := range map[string]error{"Parse": parse, "Check": check} {
		if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Fatalf("%s: error %v, want %v with %q", name, err, want, text)
		}
	}
	if len(points) != 1 {
		t.Fatalf("%d points, want the one that was there", len(points))
	}
}

func TestEveryBitCounts(t *testing.T) {
	b := block(t, driveMinutes(rand.New(rand.NewPCG(1, 1)), 40))
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		refuse(t, b, ErrCorrupt, "")
		if _, err := Keys(b, nil); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d: keys give %v", i, err)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	for n := range b {
		refuse(t, b[:n], ErrCorrupt, "")
	}
	refuse(t, append(b, 0), ErrCorrupt, "checksum")
}

func TestErrorsSayWhat(t *testing.T) {
	b := block(t, parked(rand.New(rand.NewPCG(1, 1)), 40))
	refuse(t, nil, ErrCorrupt, "truncated")
	refuse(t, []byte("not a block"), ErrCorrupt, "does not begin as a block")
	refuse(t, seal(b[:headerSize]), ErrCorrupt, "header: ends within a number")
	refuse(t, seal(b[:len(b)-1]), ErrCorrupt, "truncated")
	refuse(t, seal(append(b, 0)), ErrCorrupt, "1 bytes too many")
	flipped := bytes.Clone(b)
	flipped[len(b)/2] ^= 4
	refuse(t, flipped, ErrCorrupt, "checksum")
	newer := bytes.Clone(b)
	newer[3] = version + 1
	binary.LittleEndian.PutUint32(newer[4:], checksum(newer))
	refuse(t, newer, ErrNewer, "update Waymark")
	newer[3] = 0
	binary.LittleEndian.PutUint32(newer[4:], checksum(newer))
	refuse(t, newer, ErrCorrupt, "version 0")

	p := craft{points: 2}
	p.keys = p.column(p.column(nil, 5000, 4000), 1, 2)
	refuse(t, p.block(), ErrCorrupt, "column number: points are not in order")
	p.keys = p.column(p.column(nil, 4000, 5000), 1, -1)
	refuse(t, p.block(), ErrCorrupt, "column number: no value -1")
	p.keys = p.column(p.column(nil, 4000, 5000), 1, 2)
	refuse(t, p.block(), ErrCorrupt, "texts: ends")
	p.keys, p.body = p.column(p.column(nil, noTime, noTime), 1, 2), []byte{0, 0, 0}
	refuse(t, p.block(), ErrCorrupt, "column flags: a fix without a time")
	p.body = []byte{0, 31}
	refuse(t, p.block(), ErrCorrupt, "column flags: mode 31")
}

// craft makes blocks that Append would not.
type craft struct {
	coder      intCoder
	points     int
	keys, body []byte
	// stored is body as stored, nil if it is not compressed, and size what is
	// said of its size.
	stored []byte
	size   int
}

func (c *craft) column(b []byte, values ...int64) []byte { return c.coder.append(b, values) }

func (c *craft) block() []byte {
	stored, size := c.stored, c.size
	if stored == nil {
		stored, size = c.body, len(c.body)
	}
	bits := c.coder.bits.close()
	b := make([]byte, headerSize)
	for _, n := range [...]int{c.points, len(c.keys), len(bits), size, len(stored)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = append(b, make([]byte, 4*c.points)...)
	b = append(append(append(b, c.keys...), bits...), stored...)
	return seal(b)
}

// memory is how much work allocates, in all.
func memory(work func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestBombs(t *testing.T) {
	zeros := make([]byte, 2*MaxSize)
	keys := func(n int) *craft {
		c := &craft{points: n}
		numbers := make([]int64, n)
		for i := range numbers {
			numbers[i] = int64(i)
		}
		c.keys = c.column(c.column(nil, make([]int64, n)...), numbers...)
		return c
	}
	// One name, all columns the same, and shapes of a thousand attributes for
	// each of ten thousand points.
	attributes := keys(10_000)
	b := []byte{1, 0}                   // a text of length 0
	b = append(b, make([]byte, 3*2)...) // flags and times: all 0
	for range 6 {
		b = append(b, 1, 0, 0) // floats: all 0/1
	}
	b = append(b, 0, 0) // protocol
	b = append(b, 0)    // networks
	b = binary.AppendUvarint(append(b, 1, 0, byte(data.KindInt), 1), 1001)
	b = append(b, make([]byte, 1000)...)
	attributes.body = append(b, 0, 0, 0, 0) // shapes, values

	bomb := keys(1)
	bomb.stored, bomb.size = compress(nil, zeros), 100_000
	large := keys(1)
	large.stored, large.size = bomb.stored, len(zeros)
	texts := keys(1)
	texts.body = append(binary.AppendUvarint(nil, MaxSize-10), zeros[:MaxSize-10]...)
	texts.stored, texts.size = compress(nil, texts.body), len(texts.body)
	for name, c := range map[string]struct {
		block []byte
		text  string
		most  uint64
	}{
		"more than it says": {bomb.block(), "instead of 100000", 1 << 20},
		"too large":         {large.block(), "header: size is", 1 << 20},
		"texts":             {texts.block(), "values", 2 * MaxSize},
		"attributes":        {attributes.block(), "attributes: more than", 16 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			if used := memory(func() { refuse(t, c.block, ErrCorrupt, c.text) }); used > 2*c.most {
				t.Errorf("%d bytes of memory for a block of %d", used, len(c.block))
			}
		})
	}
}

// mutate changes some bytes of b.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(3) {
		i := headerSize + r.IntN(len(b)-headerSize)
		switch r.IntN(4) {
		case 0:
			b[i] = byte(r.Uint32())
		case 1:
			b[i]++
		case 2:
			b[i] = 0xff
		case 3:
			b = append(b[:i], b[i+1:]...)
		}
		if len(b) <= headerSize {
			break
		}
	}
	return seal(b)
}

// Damage that the checksum does not show is an error or other points, never
// more.
func TestMutated(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	failed := 0
	for i := range 8000 {
		kind := kinds[i%len(kinds)]
		b := raw(t, kind.generate(r, 1+r.IntN(20)))
		if !readable(t, mutate(r, b)) {
			failed++
		}
	}
	if failed < 4000 {
		t.Errorf("only %d of 8000 damaged blocks were refused", failed)
	}
}

// raw is a block that is not compressed, so that damage gets further.
func raw(t testing.TB, points []Point) []byte {
	t.Helper()
	r := new(reader)
	r.open(block(t, points))
	if r.err != nil {
		t.Fatal(r.err)
	}
	body := r.body
	if len(body) < r.size {
		var err error
		if body, err = decompress(nil, body, r.size); err != nil {
			t.Fatal(err)
		}
	}
	c := craft{points: r.points, keys: r.keys, body: body}
	c.coder.bits.buf = r.bits.buf
	return c.block()
}

// readable checks that all readers agree on b, and that points that can be read
// can be written.
func readable(t *testing.T, b []byte) bool {
	t.Helper()
	points, err := Parse(b, testDevice, nil)
	if n, checked := Check(b); (checked == nil) != (err == nil) || n != len(points) {
		t.Fatalf("Parse: %d points, %v; Check: %d points, %v", len(points), err, n, checked)
	}
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("error %v", err)
		}
		return false
	}
	again, err := Append(nil, points)
	if errors.Is(err, ErrTooLarge) {
		return true
	}
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	have, err := Parse(again, testDevice, nil)
	if err != nil || len(have) != len(points) {
		t.Fatalf("%d points, want %d, error %v", len(have), len(points), err)
	}
	for i := range points {
		if !sameBits(&have[i], &points[i]) {
			t.Fatalf("have %+v\nwant %+v", have[i], points[i])
		}
	}
	return true
}

func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(31, 32))
	for _, kind := range kinds {
		f.Add(raw(f, kind.generate(r, 3)))
		f.Add(block(f, kind.generate(r, 20)))
	}
	f.Add(raw(f, randomPoints(r, 5)))
	f.Fuzz(func(t *testing.T, b []byte) {
		readable(t, seal(b))
		_, _ = Keys(seal(b), nil)
	})
}
