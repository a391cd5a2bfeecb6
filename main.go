// Command waymark is everything in one process, and the tools for people who
// work with trackers. It only wires: what the parts do is in their packages.
package main

import (
	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/util/program"
)

func main() {
	root := &cobra.Command{
		Use:   "waymark",
		Short: "Self-hosted GPS tracking for people and fleets",
	}
	serve := newServer().program()
	root.AddCommand(serve.Command(), serve.ConfigCommand(), serve.HealthCommand(),
		simulateCommand(), decodeCommand(), benchCommand(), importCommand(), exportCommand(),
		backupCommand(), restoreCommand(), checkCommand(), rebuildCommand(), program.VersionCommand())
	program.Execute(root)
}
