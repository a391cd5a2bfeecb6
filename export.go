package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats"
	"github.com/waymark-gps/waymark/util/rungroup"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// exportCommand writes what is stored for other programs.
func exportCommand() *cobra.Command {
	c := &cobra.Command{Use: "export", Short: "Write what is stored for other programs"}
	c.AddCommand(exportPositionsCommand())
	return c
}

func exportPositionsCommand() *cobra.Command {
	var devices []string
	var from, to, format, output string
	c := storeCommand(&cobra.Command{
		Use: "positions", Short: "Write positions as a table or as tracks", Args: cobra.NoArgs,
		Long: `Writes positions, one device after the other, each in the order of time. It may run beside the server.
The columns of csv and the keys of jsonl and geojson are: ` + strings.Join(formats.Columns, ", ") + ` (docs/moving.md).`,
		Example: "  waymark export positions --device 860000000000013 --from 2026-03-01 --to 2026-04-01 --format csv --output march.csv\n" +
			"  waymark export positions --from 2026-03-01 --format jsonl | gzip > all.jsonl.gz",
	}, func(c *cobra.Command, s *storeSettings, _ []string) error {
		start, err := parseDay(from)
		if err != nil {
			return err
		}
		end, err := parseDay(to)
		if err != nil {
			return err
		}
		if end.IsZero() {
			end = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		} else {
			end = end.Add(-time.Millisecond)
		}
		ctx, stop := rungroup.Signals(c.Context())
		defer stop()
		store, err := s.open(ctx, toolLog(c.ErrOrStderr()))
		if err != nil {
			return err
		}
		defer store.Close()
		kind, err := formats.Named(format)
		if err != nil {
			return err
		}
		chosen, err := chooseDevices(ctx, store, devices)
		if err != nil {
			return err
		}
		var n int64
		var damage error // what can be read is written all the same
		err = toFile(output, c.OutOrStdout(), func(w io.Writer) (err error) {
			n, err = exportDevices(ctx, store, kind.New(w), chosen, start, end)
			if errors.Is(err, block.ErrCorrupt) {
				damage, err = err, nil
			}
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "%d positions of %d devices written.\n", n, len(chosen))
		return damage
	})
	f := c.Flags()
	f.StringSliceVar(&devices, "device", nil, "unique ids of the devices; all without it")
	f.StringVar(&from, "from", "", "first day or time, UTC; the beginning without it")
	f.StringVar(&to, "to", "", "day or time before which to end, UTC; the end without it")
	f.StringVar(&format, "format", "csv", "one of "+formats.Names())
	f.StringVarP(&output, "output", "o", "-", "file to write; - is standard output")
	return c
}

// exportDevices writes the positions of devices with from <= Position.Time <= to,
// one device after the other, each in the order of time, and returns how many.
// Where positions cannot be read (block.ErrCorrupt) all others are written, the
// file is whole, and the error names the first of them.
func exportDevices(ctx context.Context, store storage.Positions, w formats.Writer, devices []data.Device, from, to time.Time) (n int64, err error) {
	var damage error
	for i := range devices {
		d := &devices[i]
		if err := w.Begin(d); err != nil {
			return n, fmt.Errorf("write: %w", err)
		}
		err := store.PositionsBetween(ctx, d.ID, from, to, math.MaxInt, func(p *data.Position) error {
			n++
			return errors.Join(w.Add(p), ctx.Err())
		})
		if err != nil {
			err = fmt.Errorf("export the positions of device %q: %w", d.UniqueID, err)
			if !errors.Is(err, block.ErrCorrupt) {
				return n, err
			}
			damage = cmp.Or(damage, err)
		}
	}
	if err := w.Close(); err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	return n, damage
}

func chooseDevices(ctx context.Context, store storage.Store, uniqueIDs []string) ([]data.Device, error) {
	found, err := store.ListDevices(ctx, storage.DeviceFilter{UniqueIDs: uniqueIDs})
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool)
	for i := range found {
		there[found[i].UniqueID] = true
	}
	for _, id := range uniqueIDs {
		if !there[id] {
			return nil, fmt.Errorf("there is no device with the unique id %q: %w", id, data.ErrNotFound)
		}
	}
	return found, nil
}

// toFile writes a file as a whole or not at all; "-" is standard output.
func toFile(path string, stdout io.Writer, write func(io.Writer) error) error {
	if path == "-" {
		return write(stdout)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // no effect once it has its name
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
