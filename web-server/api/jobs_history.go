package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/formats"
	"github.com/waymark-gps/waymark/util/importer"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/web-server/jobs"
)

// maxExportDevices bounds the devices of an export.
const maxExportDevices = 1000

// exportOrder is what is to be exported.
type exportOrder struct {
	devices  []int64
	from, to time.Time
	format   formats.Format
}

// postExport makes a job that writes histories to a file:
// {"deviceIds":[1],"from":…,"to":…,"format":"gpx"}.
func (s *Server) postExport(w http.ResponseWriter, r *http.Request) error {
	o, err := readExport(r)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	for _, id := range o.devices {
		if !v.CanSee(id) {
			return errNoSuchObject
		}
	}
	userID := v.User.ID
	return s.submit(w, r, "export", nil, func(ctx context.Context, work *jobs.Work) error {
		return s.export(ctx, work, userID, &o)
	})
}

func readExport(r *http.Request) (o exportOrder, err error) {
	var body struct {
		DeviceIDs []int64 `json:"deviceIds"`
		From      *string `json:"from"`
		To        *string `json:"to"`
		Format    string  `json:"format"`
	}
	if err := readJSON(r, &body); err != nil {
		return o, err
	}
	if o.format, err = formats.Named(body.Format); err != nil {
		return o, err
	}
	if o.from, err = optionalTime("from", body.From); err != nil {
		return o, err
	}
	if o.to, err = optionalTime("to", body.To); err != nil {
		return o, err
	}
	slices.Sort(body.DeviceIDs)
	o.devices = slices.Compact(body.DeviceIDs)
	switch {
	case o.from.IsZero() || o.to.IsZero():
		return o, invalid("from and to are needed")
	case o.to.Before(o.from):
		return o, invalid("to is before from")
	case len(o.devices) == 0 || len(o.devices) > maxExportDevices:
		return o, invalid("deviceIds must have 1 to %d ids", maxExportDevices)
	}
	return o, nil
}

// viewer is what an account may see now; a job runs later than it was asked for.
func (s *Server) viewer(ctx context.Context, userID int64) (access.Viewer, error) {
	u, err := s.deps.Store.User(ctx, userID)
	if err != nil {
		return access.Viewer{}, fmt.Errorf("read the account: %w", err)
	}
	return s.access.Viewer(ctx, u)
}

// export writes the histories of devices, one after the other. Those that its
// owner may not see any more are left out.
func (s *Server) export(ctx context.Context, work *jobs.Work, userID int64, o *exportOrder) (err error) {
	v, err := s.viewer(ctx, userID)
	if err != nil {
		return err
	}
	seen := slices.DeleteFunc(slices.Clone(o.devices), func(id int64) bool { return !v.CanSee(id) })
	if len(seen) == 0 {
		return errNoSuchObject
	}
	devices, err := s.deps.Store.ListDevices(ctx, storage.DeviceFilter{IDs: seen})
	if err != nil {
		return fmt.Errorf("list devices: %w", err)
	}
	f, err := work.Create()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := o.format.New(f)
	e := &exporting{work: work, o: o, of: len(devices)}
	for i := range devices {
		if err := s.exportDevice(ctx, e, out, &devices[i]); err != nil {
			return err
		}
		e.done++
	}
	if err := out.Close(); err != nil {
		return err
	}
	name := fmt.Sprintf("%d devices", len(devices))
	if len(devices) == 1 {
		name = devices[0].Name
	}
	ask := positionQuery{from: o.from, to: o.to}
	work.Name(fileName(&data.Device{Name: name}, &ask)+"."+o.format.Name, o.format.ContentType)
	work.Progress(1, e.count)
	return nil
}

// exporting is how far an export is.
type exporting struct {
	work     *jobs.Work
	o        *exportOrder
	done, of int
	count    int64
}

// at reports every thousandth position.
func (e *exporting) at(p *data.Position) {
	if e.count++; e.count%1000 != 0 {
		return
	}
	part := 0.0
	if span := e.o.to.Sub(e.o.from); span > 0 {
		part = max(0, min(1, float64(p.Time().Sub(e.o.from))/float64(span)))
	}
	e.work.Progress((float64(e.done)+part)/float64(e.of), e.count)
}

// exportDevice writes what can be read; what cannot is noted.
func (s *Server) exportDevice(ctx context.Context, e *exporting, out formats.Writer, d *data.Device) error {
	if err := out.Begin(d); err != nil {
		return err
	}
	err := s.deps.Store.PositionsBetween(ctx, d.ID, e.o.from, e.o.to, math.MaxInt, func(p *data.Position) error {
		e.at(p)
		return errors.Join(out.Add(p), ctx.Err())
	})
	if errors.Is(err, block.ErrCorrupt) {
		s.deps.Log.Error("positions left out of an export, they cannot be read", "device", d.ID, "err", err)
		e.work.Note(fmt.Sprintf("%s: some positions cannot be read and are left out; the server's log has the place", d.Name))
		return nil
	}
	return err
}

// postImport makes a job that brings the history of a device in:
// ?deviceId&format=geojson|google|gpx|owntracks, the body is the file.
func (s *Server) postImport(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id, err := q.number("deviceId")
	if err != nil {
		return err
	}
	format := q.Get("format")
	if !slices.Contains(importer.Formats, format) {
		return invalid("format must be one of %s", strings.Join(importer.Formats, ", "))
	}
	v := viewerOf(r)
	if !v.CanSee(id) {
		return errNoSuchObject
	}
	if err := v.MayEdit(data.DeviceKind); err != nil {
		return err
	}
	userID := v.User.ID
	return s.receive(w, r, "import", func(ctx context.Context, work *jobs.Work) error {
		return s.importFile(ctx, work, userID, id, format)
	})
}

// inserter is the store without its other abilities: what an import makes of
// them is the tracker's to do.
type inserter struct{ importer.Store }

// importFile stores the positions of a file. What was read before an error is
// stored; reading it again stores nothing twice.
func (s *Server) importFile(ctx context.Context, work *jobs.Work, userID, deviceID int64, format string) error {
	v, err := s.viewer(ctx, userID)
	if err != nil {
		return err
	}
	if !v.CanSee(deviceID) {
		return errNoSuchObject
	}
	if err := v.MayEdit(data.DeviceKind); err != nil {
		return err
	}
	d, err := s.deps.Store.Device(ctx, deviceID)
	if err != nil {
		return hidden(err)
	}
	f, err := os.Open(work.Input())
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	counted := &countingReader{r: f}
	to := importer.NewWriter(inserter{s.deps.Store}, s.deps.Now)
	to.Progress = func(sum *importer.Summary) {
		work.Progress(float64(counted.n)/float64(max(1, info.Size())), sum.Read)
	}
	err = importer.Read(ctx, format, "the file", counted, deviceID, to)
	noteImport(work, to.Summary())
	s.tracks.forget(deviceID)
	if err := s.deps.Bus.PublishDevice(data.DeviceChange{ID: d.ID, UniqueID: d.UniqueID}); err != nil {
		s.deps.Log.Warn("others do not know of an import yet", "device", d.ID, "err", err)
	}
	return err
}

func noteImport(work *jobs.Work, sum *importer.Summary) {
	work.Progress(1, sum.Read)
	work.Note(fmt.Sprintf("%d positions read: %d stored, %d known already", sum.Read, sum.Stored, sum.Known))
	for _, reason := range slices.Sorted(maps.Keys(sum.Skipped)) {
		work.Note(fmt.Sprintf("%d skipped: %s (first: %s)", sum.Skipped[reason].Count, reason, sum.Skipped[reason].Where))
	}
}

// countingReader counts what is read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
