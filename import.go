package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/importer"
	"github.com/waymark-gps/waymark/util/importer/traccar"
	"github.com/waymark-gps/waymark/util/rungroup"
	"github.com/waymark-gps/waymark/util/storage"
)

// importCommand brings history in from elsewhere.
func importCommand() *cobra.Command {
	c := &cobra.Command{Use: "import", Short: "Bring in history: from files of other programs, or from another server"}
	for format, what := range map[string]string{
		"gpx":       "GPX files: tracks",
		"geojson":   "GeoJSON files: points and lines with times",
		"owntracks": "files of the OwnTracks recorder (.rec), or its JSON",
		"google":    "the location history of Google: Records.json, Timeline.json and the like",
	} {
		c.AddCommand(importFilesCommand(format, what))
	}
	c.AddCommand(importTraccarCommand())
	return c
}

func importFilesCommand(format, what string) *cobra.Command {
	var device string
	var create bool
	c := storeCommand(&cobra.Command{
		Use: format + " FILE...", Short: "Import " + what, Args: cobra.MinimumNArgs(1),
		Long: "Imports " + what + `. Files may be compressed with gzip; - is standard input.
Importing again stores nothing twice. With SQLite the server has to be stopped; with PostgreSQL it may run.`,
		Example: "  waymark import " + format + " --device 860000000000013 old/*",
	}, func(c *cobra.Command, s *storeSettings, files []string) error {
		return s.importing(c, func(ctx context.Context, store storage.Store) error {
			id, err := deviceFor(ctx, store, device, create)
			if err != nil {
				return err
			}
			w := importer.NewWriter(store, time.Now)
			w.Progress = progress(c.ErrOrStderr(), time.Now)
			for _, file := range files {
				if err = importer.ReadFile(ctx, format, file, id, w); err != nil {
					break
				}
			}
			printSummary(c.OutOrStdout(), w.Summary())
			if err != nil || w.Summary().Stored == 0 {
				return err
			}
			return rebuildTrips(ctx, store, toolLog(c.ErrOrStderr()), []data.Device{{ID: id, UniqueID: device}}, c.OutOrStdout())
		})
	})
	c.Flags().StringVar(&device, "device", "", "unique id of the device that was there")
	c.Flags().BoolVar(&create, "create", false, "make the device if there is none")
	_ = c.MarkFlagRequired("device")
	return c
}

// importing runs an import on the opened store.
func (s *storeSettings) importing(c *cobra.Command, work func(context.Context, storage.Store) error) error {
	return s.exclusively(c, "run the import", work)
}

// exclusively works on the opened store while no server does, unless it is one
// that several may work on.
func (s *storeSettings) exclusively(c *cobra.Command, doing string, work func(context.Context, storage.Store) error) error {
	ctx, stop := rungroup.Signals(c.Context())
	defer stop()
	unlock, err := s.alone(doing)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := s.open(ctx, toolLog(c.ErrOrStderr()))
	if err != nil {
		return err
	}
	return errors.Join(work(ctx, store), store.Close())
}

func deviceFor(ctx context.Context, store storage.Store, uniqueID string, create bool) (int64, error) {
	d, err := store.DeviceByUniqueID(ctx, uniqueID)
	if errors.Is(err, data.ErrNotFound) {
		if !create {
			return 0, fmt.Errorf("there is no device with the unique id %q: name another one, or add --create: %w", uniqueID, data.ErrNotFound)
		}
		d = data.Device{Name: uniqueID, UniqueID: uniqueID}
		err = store.CreateDevice(ctx, &d)
	}
	return d.ID, err
}

// progress shows where an import is, every few seconds.
func progress(to io.Writer, now func() time.Time) func(*importer.Summary) {
	const every = 3 * time.Second
	next := now().Add(every)
	return func(s *importer.Summary) {
		if t := now(); t.After(next) {
			next = t.Add(every)
			fmt.Fprintf(to, "%d positions read, %d stored, %d known\n", s.Read, s.Stored, s.Known)
		}
	}
}

func printSummary(to io.Writer, s *importer.Summary) {
	var skipped int64
	for _, k := range s.Skipped {
		skipped += k.Count
	}
	fmt.Fprintf(to, "Positions: %d read, %d stored, %d known already, %d skipped.\n", s.Read, s.Stored, s.Known, skipped)
	if !s.First.IsZero() {
		fmt.Fprintf(to, "They are from %s to %s.\n", s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339))
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
		fmt.Fprintf(to, "  skipped %d: %s (first: %s)\n", s.Skipped[reason].Count, reason, s.Skipped[reason].Where)
	}
}

func importTraccarCommand() *cobra.Command {
	var from, fromFile, since string
	o := traccar.Options{Now: time.Now}
	c := storeCommand(&cobra.Command{
		Use: "traccar", Short: "Import devices, users, groups, geofences and positions of a Traccar server", Args: cobra.NoArgs,
		Long: `Imports from the database of a Traccar server (4.0 or newer), which is only read: PostgreSQL, MySQL, MariaDB, or for H2
a folder of CSV files (docs/moving.md). Users keep their passwords. It may be ended and run again, also to fetch what has come
since: nothing is stored twice.`,
		Example: "  waymark import traccar --from-file address --dry-run\n" +
			"  waymark import traccar --from postgres://traccar@localhost/traccar --since 2025-01-01",
	}, func(c *cobra.Command, s *storeSettings, _ []string) (err error) {
		if from, err = address(from, fromFile); err != nil {
			return err
		}
		if o.Since, err = parseDay(since); err != nil {
			return err
		}
		if o.StatePath == "" {
			o.StatePath = filepath.Join(s.DataDir, "import-traccar.json")
		}
		o.Target = s.target()
		return s.importing(c, func(ctx context.Context, store storage.Store) error {
			source, err := traccar.OpenSource(ctx, from)
			if err != nil {
				return err
			}
			defer source.Close()
			o.Progress = progress(c.ErrOrStderr(), time.Now)
			report, err := traccar.Run(ctx, source, store, o)
			printReport(c.OutOrStdout(), report, o.DryRun)
			return err
		})
	})
	f := c.Flags()
	f.StringVar(&from, "from", "", "address of the database, or a folder of CSV files")
	f.StringVar(&fromFile, "from-file", "", "file that holds the address, so that no list of processes shows its password")
	f.StringSliceVar(&o.Devices, "devices", nil, "unique ids of the devices to import; all without it")
	f.StringVar(&since, "since", "", "leave out positions before this day or time, UTC")
	f.BoolVar(&o.DryRun, "dry-run", false, "read and count, but store nothing")
	f.BoolVar(&o.Again, "again", false, "read the positions from the first one on, not from where the last import ended")
	f.StringVar(&o.StatePath, "state", "", "file that keeps how far the import got; import-traccar.json in the data folder without it")
	c.MarkFlagsMutuallyExclusive("from", "from-file")
	c.MarkFlagsOneRequired("from", "from-file")
	return c
}

// address is the address itself or what a file holds.
func address(from, file string) (string, error) {
	if file == "" {
		return from, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the address: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// parseDay reads a day or a time; empty is the zero time. Without a zone it is
// UTC.
func parseDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q: write it like 2026-03-01 or 2026-03-01T12:00:00Z: %w", text, data.ErrInvalid)
}

func printReport(to io.Writer, r *traccar.Report, dry bool) {
	made := "made"
	if dry {
		made = "to be made"
	}
	for _, o := range r.Objects {
		fmt.Fprintf(to, "%s: %d %s, %d there already, %d skipped.\n", strings.ToUpper(o.Kind[:1])+o.Kind[1:], o.Made, made, o.Known, o.Skipped)
		if o.Why != "" {
			fmt.Fprintf(to, "  first skipped: %s\n", o.Why)
		}
	}
	fmt.Fprintf(to, "Links: %d.\n", r.Links)
	if r.From > 0 {
		fmt.Fprintf(to, "Positions begin after number %d, where the last import ended.\n", r.From)
	}
	if r.Positions != nil {
		printSummary(to, r.Positions)
		if !dry && r.Positions.Stored > 0 {
			fmt.Fprintln(to, "Run waymark rebuild trips to work out the trips of them.")
		}
	}
	if dry {
		fmt.Fprintln(to, "This was a dry run: nothing was stored.")
	}
}
