package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/util/backup"
	"github.com/waymark-gps/waymark/util/rungroup"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// checkCommand looks for damage.
func checkCommand() *cobra.Command {
	return storeCommand(&cobra.Command{
		Use: "check", Short: "Read everything in the store and say what is damaged; exit code 1 if something is", Args: cobra.NoArgs,
		Long: `Reads all files and all positions and prints what is damaged, a line each: the device, the month, the hour, and what to do.
It changes nothing and may run beside the server; what the server changes at that moment may be reported, then run it again.`,
	}, func(c *cobra.Command, s *storeSettings, _ []string) error {
		ctx, stop := rungroup.Signals(c.Context())
		defer stop()
		if path := s.path(); path != "" {
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("there is no database: %w; name its folder with --data-dir", err)
			}
		}
		problems := 0
		err := backup.Check(ctx, s.place(), toolLog(c.ErrOrStderr()), func(problem string) {
			problems++
			fmt.Fprintln(c.OutOrStdout(), problem)
		})
		if err != nil {
			return err
		}
		if problems > 0 {
			return fmt.Errorf("%d problems found: %w", problems, block.ErrCorrupt)
		}
		fmt.Fprintln(c.OutOrStdout(), "Everything can be read.")
		return nil
	})
}
