package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/util/backup"
	"github.com/waymark-gps/waymark/util/rungroup"
	"github.com/waymark-gps/waymark/util/version"
)

// place is where the store is.
func (s *storeSettings) place() backup.Place { return backup.At(s.Storage.URL, s.DataDir) }

// backupOptions show a line for every so many bytes.
func backupOptions(c *cobra.Command, doing string) backup.Options {
	var total, shown int64
	const every = 256 << 20
	return backup.Options{
		Log: toolLog(c.ErrOrStderr()), Version: version.String(), Now: time.Now,
		Progress: func(member string, size int64) {
			if total += size; total-shown >= every {
				shown = total
				fmt.Fprintf(c.ErrOrStderr(), "%d MiB %s, at %s\n", total>>20, doing, member)
			}
		},
	}
}

// backupCommand writes everything to a file.
func backupCommand() *cobra.Command {
	return storeCommand(&cobra.Command{
		Use: "backup FILE", Short: "Write everything in the store to one file, while the server runs", Args: cobra.ExactArgs(1),
		Long: `Writes a file that restore makes a store of again. It holds what is stored at one moment: not the bus, with
positions that were received and are not stored yet, and not the settings. The file is there when it is whole. It holds
password hashes and places of people: keep it as safe as the store.`,
		Example: "  waymark backup /backup/waymark-$(date +%F).backup",
	}, func(c *cobra.Command, s *storeSettings, args []string) error {
		ctx, stop := rungroup.Signals(c.Context())
		defer stop()
		m, err := backup.Create(ctx, s.place(), args[0], backupOptions(c, "read"))
		if err != nil {
			return err
		}
		info, err := os.Stat(args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %.1f MiB.\n", args[0], float64(info.Size())/(1<<20))
		printCounts(c.OutOrStdout(), m)
		return nil
	})
}

// restoreCommand makes a store of such a file.
func restoreCommand() *cobra.Command {
	var force bool
	c := storeCommand(&cobra.Command{
		Use: "restore FILE", Short: "Make a store of a backup", Args: cobra.ExactArgs(1),
		Long: `Verifies a backup and makes a store of it in an empty place: a data folder without a database, or an empty PostgreSQL
database. A backup of SQLite gives SQLite, one of PostgreSQL gives PostgreSQL. No server may use the place. With --force SQLite files that
are there are put aside first, into a folder replaced-<time> beside them; of PostgreSQL make a new database instead.`,
		Example: "  waymark restore waymark-2026-03-01.backup --data-dir /var/lib/waymark",
	}, func(c *cobra.Command, s *storeSettings, args []string) error {
		ctx, stop := rungroup.Signals(c.Context())
		defer stop()
		if s.path() != "" {
			if err := os.MkdirAll(filepath.Dir(s.path()), 0o700); err != nil {
				return err
			}
		}
		unlock, err := s.alone("restore the backup")
		if err != nil {
			return err
		}
		defer unlock()
		o := backupOptions(c, "restored")
		o.Force = force
		m, err := backup.Restore(ctx, args[0], s.place(), o)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "Restored to %s, as of %s.\n", s.target(), m.Created.Format(time.RFC3339))
		printCounts(c.OutOrStdout(), m)
		return nil
	})
	c.Flags().BoolVar(&force, "force", false, "put SQLite files that are there aside")
	return c
}

func printCounts(to io.Writer, m *backup.Manifest) {
	for _, what := range slices.Sorted(maps.Keys(m.Counts)) {
		fmt.Fprintf(to, "  %s: %d\n", what, m.Counts[what])
	}
}
