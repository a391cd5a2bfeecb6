package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/bench"
	"github.com/waymark-gps/waymark/util/rungroup"
)

// benchCommand measures this program.
func benchCommand() *cobra.Command {
	o := bench.DefaultOptions()
	var jsonFile string
	c := &cobra.Command{
		Use: "bench", Short: "Measure this program on this machine against what it promises", Args: cobra.NoArgs,
		Long: "Measure this program on this machine against what it promises: a server of its own, real frames over real sockets, figures for each second of its CPU time.\n" +
			"Scenarios: " + strings.Join(bench.Names(), ", ") + ".",
		Example: "  waymark bench --only durable-sqlite,delay\n  waymark bench --postgres postgres://postgres@localhost/empty --json figures.json",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			ctx, stop := rungroup.Signals(c.Context())
			defer stop()
			if o.Program, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			o.Progress = c.ErrOrStderr()
			report, err := bench.Run(ctx, o)
			if err != nil {
				return err
			}
			if jsonFile != "" {
				f, err := os.Create(filepath.Clean(jsonFile))
				if err != nil {
					return err
				}
				defer f.Close()
				if err := report.WriteJSON(f); err != nil {
					return err
				}
			}
			return report.WriteTable(c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Only, "only", nil, "scenarios to run, joined by commas; all by default")
	f.IntVar(&o.Runs, "runs", o.Runs, "how often each is run; the median counts")
	f.DurationVar(&o.Duration, "duration", o.Duration, "how long each run measures")
	f.DurationVar(&o.Warmup, "warmup", o.Warmup, "how long it runs before")
	f.IntVar(&o.Devices, "devices", o.Devices, "devices that send as fast as they are answered")
	f.IntVar(&o.Viewers, "viewers", o.Viewers, "sockets that watch")
	f.Int64Var(&o.Points, "points", o.Points, "positions in the history that days are read from; 100 million take 2 GB")
	f.StringVar(&o.Dir, "dir", o.Dir, "folder for data, which is removed afterwards; it should be on the disk that counts")
	f.StringVar(&o.Postgres, "postgres", "", "URL of an empty PostgreSQL database on this machine")
	f.StringVar(&o.Profile, "profile", "", "file for a CPU profile of the server, for go tool pprof")
	f.StringVar(&jsonFile, "json", "", "file to write the figures to as JSON")
	return c
}
