package simulator

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// ledgerHead is the first line of a ledger: what its columns hold. Times are
// UTC to the second, speeds whole km/h, courses whole degrees, and coordinates
// lie on the grid, so that nothing is lost on the way.
const ledgerHead = "device,protocol,time,latitude,longitude,speed_kmh,course_deg\n"

// ledger writes down every acknowledged report: a line of CSV each.
type ledger struct {
	mu  sync.Mutex
	w   *bufio.Writer
	row []byte
}

func newLedger(w io.Writer) *ledger {
	l := &ledger{w: bufio.NewWriterSize(w, 64<<10)}
	_, _ = l.w.WriteString(ledgerHead) // an error stays and is found by flush
	return l
}

func (l *ledger) add(d *device, r *report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := append(l.row[:0], d.id...)
	b = append(b, ',')
	b = append(b, d.protocol...)
	b = append(b, ',')
	b = time.Unix(r.at, 0).UTC().AppendFormat(b, time.RFC3339)
	for _, v := range [...]int32{r.lat, r.lon} {
		b = append(b, ',')
		b = strconv.AppendFloat(b, float64(v)/grid, 'f', 6, 64)
	}
	for _, v := range [...]uint16{r.kmh, r.course} {
		b = append(b, ',')
		b = strconv.AppendUint(b, uint64(v), 10)
	}
	l.row = append(b, '\n')
	_, _ = l.w.Write(l.row) // as above
}

func (l *ledger) flush() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.w.Flush(); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// mark is what makes a report of a device the same one again.
type mark struct {
	at          int64 // seconds since 1970
	lat, lon    int32 // steps of the grid
	kmh, course int32
}

func (m mark) String() string {
	return fmt.Sprintf("%s at %.6f, %.6f, %d km/h, course %d", time.Unix(m.at, 0).UTC().Format(time.RFC3339),
		float64(m.lat)/grid, float64(m.lon)/grid, m.kmh, m.course)
}

// readLedger returns how often each report of each device was acknowledged.
func readLedger(r io.Reader) (map[string]map[mark]int, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = strings.Count(ledgerHead, ",") + 1
	rows.ReuseRecord = true
	out := map[string]map[mark]int{}
	for line := 1; ; line++ {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF) && line > 1:
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("read ledger: %w", errors.Join(err, data.ErrInvalid))
		case line == 1:
			if have := strings.Join(row, ",") + "\n"; have != ledgerHead {
				return nil, fmt.Errorf("read ledger: its first line is %.80q: %w", have, data.ErrInvalid)
			}
			continue
		}
		m, err := readMark(row)
		if err != nil {
			return nil, fmt.Errorf("read line %d of the ledger: %w", line, errors.Join(err, data.ErrInvalid))
		}
		device := strings.Clone(row[0])
		if out[device] == nil {
			out[device] = map[mark]int{}
		}
		out[device][m]++
	}
}

func readMark(row []string) (m mark, err error) {
	at, err := time.Parse(time.RFC3339, row[2])
	var v [4]float64
	for i := range v {
		var verr error
		v[i], verr = strconv.ParseFloat(row[3+i], 64)
		err = errors.Join(err, verr)
	}
	return mark{at.Unix(), steps(v[0]), steps(v[1]), int32(v[2]), int32(v[3])}, err
}
