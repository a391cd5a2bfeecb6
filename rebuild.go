package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/storage"
)

// rebuildCommand works out anew what is derived from positions.
func rebuildCommand() *cobra.Command {
	c := &cobra.Command{Use: "rebuild", Short: "Work out anew what is derived from positions"}
	var device string
	rebuild := storeCommand(&cobra.Command{
		Use: "trips", Short: "Rebuild trips, stops, days and events from all stored positions", Args: cobra.NoArgs,
		Long: `Goes through all positions again with the settings of now, and puts the trips, stops, days, geofence visits and events that it
finds in place of the old ones: after an import, after an update that says so, or after a change of settings that shall count
for the past. Events that were there before are not told again. Positions stay as they are. Where retention has thinned
positions, what was known of that time stays. With SQLite the server has to be stopped; with PostgreSQL it may run.`,
		Example: "  waymark rebuild trips --device 860000000000013",
	}, func(c *cobra.Command, s *storeSettings, _ []string) error {
		return s.exclusively(c, "rebuild trips", func(ctx context.Context, store storage.Store) error {
			filter := storage.DeviceFilter{}
			if device != "" {
				filter.UniqueIDs = []string{device}
			}
			devices, err := store.ListDevices(ctx, filter)
			if err == nil && len(devices) == 0 && device != "" {
				err = fmt.Errorf("there is no device with the unique id %q: %w", device, data.ErrNotFound)
			}
			if err != nil {
				return err
			}
			return rebuildTrips(ctx, store, toolLog(c.ErrOrStderr()), devices, c.OutOrStdout())
		})
	})
	rebuild.Flags().StringVar(&device, "device", "", "unique id of one device; without it, all of them")
	c.AddCommand(rebuild)
	return c
}

// rebuildTrips rebuilds the trips of devices, one after the other. It goes on
// after one that fails.
func rebuildTrips(ctx context.Context, store storage.Store, log *slog.Logger, devices []data.Device, out io.Writer) error {
	settings := fleet.New(store, log, time.Now)
	var failed []error
	for i := range devices {
		d := &devices[i]
		done, err := derive.Rebuild(ctx, store, settings, d.ID)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, data.ErrNotFound): // deleted meanwhile
		case err != nil:
			failed = append(failed, fmt.Errorf("device %s: %w", d.UniqueID, err))
		default:
			fmt.Fprintf(out, "%s: %d positions, %d trips, %d stops, %d days, %d events\n", d.UniqueID, done.Reports, done.Trips, done.Stops, done.Days, done.Events)
		}
	}
	return errors.Join(failed...)
}
