package sqlite

import (
	"bytes"
	"errors"
	"testing"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// chunksOf packs rows, and returns copies of the chunks.
func chunksOf(t testing.TB, rows []history.Row, lastUpdate int64) (chunks [][]byte) {
	t.Helper()
	total := 0
	w := chunkWriter{put: func(points int, chunk []byte) error {
		chunks = append(chunks, bytes.Clone(chunk))
		total += points
		return nil
	}}
	for i := range rows {
		if err := w.add(&rows[i], lastUpdate); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil || total != len(rows) {
		t.Fatalf("%d rows of %d, error is %v", total, len(rows), err)
	}
	return chunks
}

// unpack reads a chunk from its beginning to its end.
func unpack(chunk []byte) (rows []chunkRow, at []int, err error) {
	if err := openChunk(chunk); err != nil {
		return nil, nil, err
	}
	for next := chunkHeader; next < len(chunk); {
		begin := next
		var r chunkRow
		if r, next, err = rowAt(chunk, next); err != nil {
			return rows, at, err
		}
		rows, at = append(rows, r), append(at, begin)
	}
	return rows, at, nil
}

func someRows() (rows []history.Row) {
	for i := range 200 {
		rows = append(rows, history.Row{
			DeviceID: int64(1 + i%7), Time: 1_774_000_000_000 - int64(i)*977, Number: uint32(i + 1), Fingerprint: uint32(i) * 0x9E3779B9,
			Position: bytes.Repeat([]byte{byte(i)}, i*3%180),
		})
	}
	rows[50].Position = bytes.Repeat([]byte("large"), 4000)
	rows[60].Time, rows[60].Number = history.ZeroTime, 1<<32-1
	return rows
}

func TestChunks(t *testing.T) {
	rows := someRows()
	chunks := chunksOf(t, rows, 1_774_000_001_000)
	n := 0
	for _, c := range chunks {
		have, _, err := unpack(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(c) > chunkBytes && len(have) > 1 {
			t.Errorf("a chunk of %d rows has %d bytes", len(have), len(c))
		}
		for _, r := range have {
			want := rows[n]
			if r.DeviceID != want.DeviceID || r.Time != want.Time || r.Number != want.Number || r.Fingerprint != want.Fingerprint ||
				!bytes.Equal(r.Position, want.Position) || r.LastUpdate != 1_774_000_001_000 || r.erased {
				t.Fatalf("row %d: %+v, want %+v", n, r, want)
			}
			n++
		}
	}
	if n != len(rows) {
		t.Errorf("%d rows of %d", n, len(rows))
	}
}

// TestErasedRow: what is erased is not to be read any more, the others are where
// they were.
func TestErasedRow(t *testing.T) {
	secret := history.Row{DeviceID: 3, Time: 5, Number: 9, Position: []byte("where somebody was")}
	chunk := chunksOf(t, []history.Row{{DeviceID: 1, Position: []byte("a")}, secret, {DeviceID: 2, Position: []byte("b")}}, 7)[0]
	_, at, err := unpack(chunk)
	if err != nil {
		t.Fatal(err)
	}
	if err := eraseRow(chunk, at[1]); err != nil {
		t.Fatal(err)
	}
	have, still, err := unpack(chunk)
	if err != nil || !have[1].erased || have[0].erased || have[2].erased || still[2] != at[2] || string(have[2].Position) != "b" {
		t.Errorf("%+v, error is %v", have, err)
	}
	if bytes.Contains(chunk, []byte("somebody")) {
		t.Error("it can be read")
	}
}

func TestDamagedChunk(t *testing.T) {
	chunk := chunksOf(t, someRows()[:20], 0)[0]
	for i := range chunk {
		bad := bytes.Clone(chunk)
		bad[i] ^= 0x10
		if err := openChunk(bad); !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("byte %d is changed, error is %v", i, err)
		}
		if err := openChunk(chunk[:i]); !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("cut at %d, error is %v", i, err)
		}
	}
}

// FuzzChunk reads chunks whose checksum is right and whose rows are not.
func FuzzChunk(f *testing.F) {
	for _, c := range chunksOf(f, someRows(), 0) {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		if len(chunk) < chunkHeader {
			return
		}
		chunk = bytes.Clone(chunk)
		chunk[0] = chunkVersion
		closeChunk(chunk)
		rows, at, err := unpack(chunk)
		if err != nil && !errors.Is(err, block.ErrCorrupt) {
			t.Errorf("error is %v", err)
		}
		for i := range rows {
			if again, _, err := rowAt(chunk, at[i]); err != nil || again.Number != rows[i].Number {
				t.Errorf("row %d, error is %v", i, err)
			}
		}
	})
}
