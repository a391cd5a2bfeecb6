package traccar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
	"github.com/waymark-gps/waymark/util/importer"
	"github.com/waymark-gps/waymark/util/storage"
)

func checkArea(area string) error {
	_, err := wkt.Parse(area)
	return err
}

// state is how far positions were imported.
type state struct {
	// Source, Target and Choice are what was imported from where to where: of
	// something else, the id says nothing.
	Source string `json:"source"`
	Target string `json:"target"`
	Choice string `json:"choice"`
	// LastID is the last tc_positions.id of which all before are stored.
	LastID int64 `json:"lastPositionId"`
}

// saveEvery is after how many positions the state is written.
const saveEvery = 10_000

func (m *mover) positions(ctx context.Context) error {
	st, err := m.load()
	if err != nil {
		return err
	}
	m.report.From = st.LastID
	w := importer.NewWriter(m.store(), m.o.Now)
	w.Progress = m.o.Progress
	m.report.Positions = w.Summary()
	read, last := 0, st.LastID
	save := func() error {
		if err := w.Flush(ctx); err != nil || m.o.DryRun {
			return err
		}
		st.LastID = last
		return m.save(st)
	}
	where, any := m.where()
	if !any {
		return nil
	}
	err = m.from.positions(ctx, st.LastID, where, func(r record) error {
		id := r.int("id")
		if id <= st.LastID { // of a file
			return nil
		}
		if err := m.position(ctx, w, r, id); err != nil {
			return err
		}
		if m.from.db != nil { // files need not be in order
			last = id
		}
		if read++; read%saveEvery == 0 {
			return save()
		}
		return ctx.Err()
	})
	if err != nil {
		return errors.Join(err, save())
	}
	return save()
}

func (m *mover) position(ctx context.Context, w *importer.Writer, r record, id int64) error {
	where := fmt.Sprintf("tc_positions.id %d", id)
	device := m.id(data.DeviceKind, r.int("deviceid"))
	if device == 0 {
		w.Skip("a device that is not imported", where)
		return nil
	}
	p := data.Position{
		DeviceID: device, Protocol: r.text("protocol"), ServerTime: r.time("servertime"), DeviceTime: r.time("devicetime"), FixTime: r.time("fixtime"),
		Valid: r.bool("valid"), Latitude: r.float("latitude"), Longitude: r.float("longitude"), AltitudeM: r.float("altitude"),
		SpeedKnots: r.float("speed"), CourseDeg: r.float("course"), AccuracyM: r.float("accuracy"),
	}
	if m.o.Since.After(p.FixTime) && !p.FixTime.IsZero() {
		w.Skip("older than asked for", where)
		return nil
	}
	var ok bool
	if p.Attributes, ok = r.attributes(); !ok {
		w.Skip("attributes that cannot be read", where)
		return nil
	}
	if n := r.text("network"); n != "" && n != "null" {
		// What cannot be read of it does not matter: the place is known.
		p.Network, _ = data.ParseNetwork([]byte(n))
	}
	return w.Add(ctx, p, where)
}

// where chooses positions in SQL; any is false if no device is imported.
func (m *mover) where() (where string, any bool) {
	if !m.o.Since.IsZero() {
		where += ` AND fixtime >= '` + m.o.Since.UTC().Format("2006-01-02 15:04:05") + `'`
	}
	if len(m.o.Devices) == 0 {
		return where, true
	}
	var ids []string
	for id := range m.ids[data.DeviceKind] {
		ids = append(ids, fmt.Sprint(id))
	}
	return where + ` AND deviceid IN (` + strings.Join(ids, ",") + `)`, len(ids) > 0
}

// store is where positions go: nowhere in a dry run.
func (m *mover) store() importer.Store {
	if m.o.DryRun {
		return nowhere{}
	}
	return m.to
}

// nowhere takes all positions as new ones.
type nowhere struct{}

func (nowhere) InsertPositions(_ context.Context, positions []data.Position, _ []uint64, _ storage.Fold) error {
	for i := range positions {
		positions[i].ID = 1
	}
	return nil
}

// choice is what of the source is imported, in words.
func (m *mover) choice() string {
	return fmt.Sprintf("devices %q since %s", m.o.Devices, m.o.Since.UTC().Format("2006-01-02T15:04:05Z"))
}

func (m *mover) load() (*state, error) {
	fresh := &state{Source: m.from.Name, Target: m.o.Target, Choice: m.choice()}
	if m.o.Again {
		return fresh, nil
	}
	b, err := os.ReadFile(m.o.StatePath)
	if errors.Is(err, os.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the import got: %w", err)
	}
	var st state
	if err := json.Unmarshal(b, &st); err != nil {
		return nil, fmt.Errorf("read how far the import got: %s: %w: %w; remove the file to begin anew, nothing is stored twice", m.o.StatePath, data.ErrInvalid, err)
	}
	if st.Source != fresh.Source || st.Target != fresh.Target || st.Choice != fresh.Choice {
		return fresh, nil
	}
	return &st, nil
}

// save writes the state as a whole or not at all.
func (m *mover) save(st *state) error {
	b, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(m.o.StatePath)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep how far the import got: %w", err)
	}
	temp := m.o.StatePath + ".new"
	if err := os.WriteFile(temp, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep how far the import got: %w", err)
	}
	if err := os.Rename(temp, m.o.StatePath); err != nil {
		return fmt.Errorf("keep how far the import got: %w", err)
	}
	return nil
}
