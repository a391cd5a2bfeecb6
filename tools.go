package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/simulator"
	"github.com/waymark-gps/waymark/tracker/decode"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/util/rungroup"
)

// simulateCommand plays devices.
func simulateCommand() *cobra.Command {
	cfg := simulator.Config{Devices: 1, Interval: time.Second}
	c := &cobra.Command{
		Use: "simulate", Short: "Play devices: real frames over real sockets, and how quickly they are acknowledged", Args: cobra.NoArgs,
		Example: "  waymark simulate --protocol gt06 --devices 100 --interval 1s --target 127.0.0.1:5023 --duration 60s",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := rungroup.Signals(c.Context())
			defer stop()
			report, err := simulator.Run(ctx, cfg, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), report.String())
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.Protocol, "protocol", "", "protocol to speak: gt06, teltonika or osmand")
	f.StringVar(&cfg.Target, "target", "", "address to connect to, host:port")
	f.IntVar(&cfg.Devices, "devices", cfg.Devices, "how many devices")
	f.DurationVar(&cfg.Interval, "interval", cfg.Interval, "time between two positions of a device")
	f.DurationVar(&cfg.Duration, "duration", cfg.Duration, "how long; 0 is until Ctrl-C")
	_ = c.MarkFlagRequired("protocol")
	_ = c.MarkFlagRequired("target")
	return c
}

// decodeCommand explains frames.
func decodeCommand() *cobra.Command {
	var name string
	var names []string
	for _, p := range all.All() {
		names = append(names, p.Name)
	}
	c := &cobra.Command{
		Use: "decode", Short: "Explain frames: JSON records, hex or text, a line each on standard input", Args: cobra.NoArgs,
		Example: "  echo 78780d01086000000000001300014d5f0d0a | waymark decode --protocol gt06",
		RunE: func(c *cobra.Command, _ []string) error {
			return decode.Run(c.Context(), c.InOrStdin(), c.OutOrStdout(), name, time.Now)
		},
	}
	c.Flags().StringVar(&name, "protocol", "", "protocol of the frames: "+strings.Join(names, ", "))
	_ = c.MarkFlagRequired("protocol")
	return c
}
