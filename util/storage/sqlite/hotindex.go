package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"sync"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// hotIndex knows where in the hot tables the positions of each device are: 24
// bytes of memory for each of them. It is read from the tables when they are
// opened, and follows what this and other processes write.
type hotIndex struct {
	log  *slog.Logger
	path string

	loading sync.Mutex // one reads from the file at a time
	mu      sync.Mutex
	parts   [2]hotPart
}

// hotPart is one of the two hot tables.
type hotPart struct {
	generation int64 // 0: the table is empty and not in use
	sealed     bool
	since      int64
	edits      int64 // how often positions were erased from it
	last       int64 // id of the newest chunk that is known
	rows       int64
	devices    map[int64]*hotDevice
	damaged    []int64 // ids of chunks that cannot be read
}

// hotDevice are the positions of a device in one hot table, and what they say
// about its head.
type hotDevice struct {
	refs       []hotRef
	unsorted   bool
	lastUpdate int64
	lastNumber uint32
	maxTime    int64
}

// hotRef is where a position is.
type hotRef struct {
	time                int64
	number, fingerprint uint32
	chunk               uint32
	offset              uint16 // of the row within the chunk
}

func compareRefs(a, b hotRef) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.number, b.number))
}

// sorted are the positions by time, then number. Late ones are put in their
// place when somebody asks: a device may send many of them.
func (d *hotDevice) sorted() []hotRef {
	if d.unsorted {
		slices.SortFunc(d.refs, compareRefs)
		d.unsorted = false
	}
	return d.refs
}

func (d *hotDevice) newest() (hotRef, bool) {
	refs := d.sorted()
	if len(refs) == 0 {
		return hotRef{}, false
	}
	return refs[len(refs)-1], true
}

// add takes in a row of a chunk. The caller holds x.mu.
func (p *hotPart) add(chunk int64, offset int, r *chunkRow) {
	d := p.devices[r.DeviceID]
	if d == nil {
		d = &hotDevice{lastUpdate: r.LastUpdate, maxTime: r.Time}
		p.devices[r.DeviceID] = d
	}
	d.lastUpdate = max(d.lastUpdate, r.LastUpdate)
	d.lastNumber = max(d.lastNumber, r.Number)
	d.maxTime = max(d.maxTime, r.Time)
	if r.erased {
		return
	}
	ref := hotRef{r.Time, r.Number, r.Fingerprint, uint32(chunk), uint16(offset)}
	if n := len(d.refs); n > 0 && !d.unsorted && compareRefs(d.refs[n-1], ref) > 0 {
		d.unsorted = true
	}
	d.refs = append(d.refs, ref)
	p.rows++
}

const generationColumns = `SELECT id, since, sealed, edits,
	CASE id % 2 WHEN 0 THEN (SELECT coalesce(max(id), 0) FROM hot_0) ELSE (SELECT coalesce(max(id), 0) FROM hot_1) END FROM generations`

func scanPart(r scanner) (p hotPart, err error) {
	return p, r.Scan(&p.generation, &p.since, &p.sealed, &p.edits, &p.last)
}

// refresh brings the index up to what is in the file.
func (x *hotIndex) refresh(ctx context.Context, reader *reader) error {
	have, err := all(ctx, reader, scanPart, generationColumns)
	if err != nil || x.follows(have) {
		return err
	}
	x.loading.Lock()
	defer x.loading.Unlock()
	tx, err := reader.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // for a view that does not move
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, generationColumns)
	if err != nil {
		return err
	}
	if have, err = collect(rows, scanPart); err != nil {
		return err
	}
	for i := range x.parts {
		part := hotPart{}
		if at := slices.IndexFunc(have, func(p hotPart) bool { return p.generation%2 == int64(i) }); at >= 0 {
			part = have[at]
		}
		if err := x.load(ctx, tx, i, part); err != nil {
			return err
		}
	}
	return nil
}

// follows tells whether the index knows all that is there.
func (x *hotIndex) follows(have []hotPart) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	known := 0
	for i := range x.parts {
		if x.parts[i].generation != 0 {
			known++
		}
	}
	return known == len(have) && !slices.ContainsFunc(have, func(h hotPart) bool {
		p := &x.parts[h.generation%2]
		return p.generation != h.generation || p.sealed != h.sealed || p.edits != h.edits || p.last < h.last
	})
}

// load reads the chunks of a table that are not known yet.
func (x *hotIndex) load(ctx context.Context, tx *sql.Tx, table int, now hotPart) error {
	x.mu.Lock()
	p := &x.parts[table]
	if p.generation != now.generation || p.edits != now.edits {
		*p = hotPart{generation: now.generation, edits: now.edits, devices: make(map[int64]*hotDevice)}
	}
	p.sealed, p.since = now.sealed, now.since
	after := p.last
	x.mu.Unlock()
	if after >= now.last {
		return nil
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`SELECT id, rows FROM hot_%d WHERE id > ? ORDER BY id`, table), after)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id int64
	var chunk sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&id, &chunk); err != nil {
			return err
		}
		x.mu.Lock()
		if p.generation == now.generation && id > p.last {
			x.addChunk(p, id, chunk)
		}
		x.mu.Unlock()
	}
	return rows.Err()
}

// addChunk takes in a chunk. The caller holds x.mu.
func (x *hotIndex) addChunk(p *hotPart, id int64, chunk []byte) {
	p.last = id
	err := openChunk(chunk)
	for at := chunkHeader; err == nil && at < len(chunk); {
		var r chunkRow
		begin := at
		if r, at, err = rowAt(chunk, at); err == nil {
			p.add(id, begin, &r)
		}
	}
	if err != nil {
		p.damaged = append(p.damaged, id)
		x.log.Error("recent positions cannot be read, they are kept aside; the others can", "file", x.path, "table", p.generation%2, "row", id, "err", err)
	}
}

// over puts what the hot positions of a device say into its head.
func (x *hotIndex) over(h *history.Head) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.parts {
		d := x.parts[i].devices[h.DeviceID]
		if d == nil {
			continue
		}
		if h.LastNumber == 0 || d.maxTime > h.MaxTime {
			h.MaxTime = d.maxTime
		}
		h.LastUpdate = max(h.LastUpdate, d.lastUpdate)
		h.LastNumber = max(h.LastNumber, d.lastNumber)
		if n, ok := d.newest(); ok && (h.Newest.Number == 0 || n.time > h.Newest.Time || n.time == h.Newest.Time && n.number > h.Newest.Number) {
			h.Newest = history.Row{DeviceID: h.DeviceID, Time: n.time, Number: n.number, Fingerprint: n.fingerprint}
		}
	}
}

// located is a position and where it is.
type located struct {
	hotRef
	deviceID   int64
	generation int64
}

// find returns where positions of a device are that pick chooses from those of
// each table, in order.
func (x *hotIndex) find(deviceID int64, pick func(refs []hotRef) []hotRef) (found []located) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.parts {
		p := &x.parts[i]
		d := p.devices[deviceID]
		if d == nil {
			continue
		}
		for _, ref := range pick(d.sorted()) {
			found = append(found, located{ref, deviceID, p.generation})
		}
	}
	slices.SortFunc(found, func(a, b located) int { return compareRefs(a.hotRef, b.hotRef) })
	return found
}

// between are the positions with (from, after) < (time, number) and time <= to,
// at most limit.
func between(refs []hotRef, from int64, after uint32, to int64, limit int) []hotRef {
	first := sort.Search(len(refs), func(i int) bool {
		return refs[i].time > from || refs[i].time == from && refs[i].number > after
	})
	end := first + sort.Search(len(refs)-first, func(i int) bool { return refs[first+i].time > to })
	return refs[first:min(end, first+limit)]
}

// before are the newest positions with time < t, at most limit.
func before(refs []hotRef, t int64, limit int) []hotRef {
	end := sort.Search(len(refs), func(i int) bool { return refs[i].time >= t })
	return refs[max(0, end-limit):end]
}

// at is where a position is, if it is in a hot table.
func (x *hotIndex) at(deviceID, time int64, number uint32) []located {
	return x.find(deviceID, func(refs []hotRef) []hotRef {
		i, found := slices.BinarySearchFunc(refs, hotRef{time: time, number: number}, compareRefs)
		if !found {
			return nil
		}
		return refs[i : i+1]
	})
}

// keys appends the keys of positions at a time.
func (x *hotIndex) keys(dst []history.Key, deviceID, at int64) []history.Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.parts {
		d := x.parts[i].devices[deviceID]
		if d == nil {
			continue
		}
		refs := d.sorted()
		first := sort.Search(len(refs), func(i int) bool { return refs[i].time >= at })
		for _, r := range refs[first:] {
			if r.time != at {
				break
			}
			dst = append(dst, history.Key{DeviceID: deviceID, Time: at, Fingerprint: r.fingerprint})
		}
	}
	return dst
}

// generations tells how the hot tables stand, oldest first.
func (x *hotIndex) generations() (out []history.Generation) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.parts {
		if p := &x.parts[i]; p.generation != 0 {
			out = append(out, history.Generation{ID: p.generation, Rows: p.rows, Devices: int64(len(p.devices)), Since: p.since, Sealed: p.sealed})
		}
	}
	slices.SortFunc(out, func(a, b history.Generation) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// devicesOf lists the devices of a generation by id.
func (x *hotIndex) devicesOf(generation int64) (ids []int64, edits int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := &x.parts[generation%2]
	if p.generation != generation {
		return nil, 0
	}
	ids = make([]int64, 0, len(p.devices))
	for id := range p.devices {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, p.edits
}

// damaged lists the chunks of a generation that cannot be read.
func (x *hotIndex) damaged(generation int64) []int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := &x.parts[generation%2]; p.generation == generation {
		return slices.Clone(p.damaged)
	}
	return nil
}

// apply takes in a chunk that was written to a generation.
func (x *hotIndex) apply(generation, id int64, chunk []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := &x.parts[generation%2]
	if p.generation == generation && id == p.last+1 { // else who loads comes to it
		x.addChunk(p, id, chunk)
	}
}

// erase forgets positions that were erased from the table of a generation, which
// was its edit of that number.
func (x *hotIndex) erase(generation, edit int64, gone []located) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := &x.parts[generation%2]
	if p.generation != generation || p.edits != edit-1 {
		return // it is or will be loaded anew
	}
	p.edits = edit
	numbers := make(map[uint32]bool, len(gone))
	for _, g := range gone {
		numbers[g.number] = true
	}
	d := p.devices[gone[0].deviceID]
	had := len(d.refs)
	d.refs = slices.DeleteFunc(d.refs, func(r hotRef) bool { return numbers[r.number] })
	p.rows -= int64(had - len(d.refs))
}
