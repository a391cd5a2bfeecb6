package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/simulator"
	"github.com/waymark-gps/waymark/tracker/decode"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/util/rungroup"
)

// simulateCommand plays devices.
func simulateCommand() *cobra.Command {
	cfg := simulator.Config{Devices: 1, Interval: time.Second, Batch: 1, Timeout: 30 * time.Second, Heartbeat: 3 * time.Minute}
	var from simulation
	c := &cobra.Command{
		Use: "simulate", Short: "Play devices: real frames over real sockets, mishaps included, and how quickly they are acknowledged", Args: cobra.NoArgs,
		Example: "  waymark simulate --protocol gt06 --devices 100 --interval 1s --target 127.0.0.1:5023 --duration 60s\n" +
			"  waymark simulate --protocol all --target 127.0.0.1 --devices 700 --rate 100 --offline 30s --noise 0.01 --ledger sent.csv",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := rungroup.Signals(c.Context())
			defer stop()
			return from.run(ctx, cfg, c)
		},
	}
	f := c.Flags()
	f.StringVar(&from.protocols, "protocol", "", "protocols to speak, with weights: gt06,teltonika=3; or all: "+strings.Join(simulator.Protocols(), ", "))
	f.StringVar(&from.target, "target", "", "where to connect: host for the default ports, host:port for one protocol, or gt06=host:port,teltonika=host:port")
	f.IntVar(&from.offset, "port-offset", 0, "added to every default port")
	f.Float64Var(&from.rate, "rate", 0, "positions a second of all devices together, in place of --interval")
	f.StringVar(&from.report, "report", "", "file for the result as JSON; - is standard output")
	f.StringVar(&from.ledger, "ledger", "", "file for every acknowledged position, see simulate verify")
	f.IntVar(&cfg.Devices, "devices", cfg.Devices, "how many devices")
	f.IntVar(&cfg.FirstDevice, "first-device", 0, "number of the first device, for several simulations side by side")
	f.DurationVar(&cfg.Interval, "interval", cfg.Interval, "time between two positions of a device")
	f.DurationVar(&cfg.Duration, "duration", cfg.Duration, "how long; 0 is until Ctrl-C")
	f.DurationVar(&cfg.Timeout, "timeout", cfg.Timeout, "how long to wait for a connection or an answer")
	f.DurationVar(&cfg.Heartbeat, "heartbeat", cfg.Heartbeat, "how long a device is silent before it sends a heartbeat")
	f.Uint64Var(&cfg.Seed, "seed", 0, "another seed makes other journeys and mishaps, the same one the same")
	f.IntVar(&cfg.Batch, "batch", cfg.Batch, "positions that a device gathers and sends together")
	f.DurationVar(&cfg.ReconnectEvery, "reconnect-every", 0, "about how long a connection lasts before the device hangs up and comes again; 0 is for ever")
	f.DurationVar(&cfg.Offline, "offline", 0, "about how long a device is in a tunnel; what it keeps there is sent behind it; 0 is no tunnel")
	f.DurationVar(&cfg.OfflineEvery, "offline-every", 0, "about how long it is until the next tunnel; 0 is ten times its length")
	f.DurationVar(&cfg.Skew, "skew", 0, "by how much the clock of a device may be wrong")
	f.Float64Var(&cfg.Duplicates, "duplicates", 0, "share of the positions that is sent again after it was acknowledged, 0 to 1")
	f.Float64Var(&cfg.OutOfOrder, "out-of-order", 0, "share of the positions that comes behind the next one, 0 to 1")
	f.Float64Var(&cfg.Noise, "noise", 0, "share of the positions with garbage or half a message in front, 0 to 1")
	c.MarkFlagsMutuallyExclusive("rate", "interval")
	_ = c.MarkFlagRequired("protocol")
	_ = c.MarkFlagRequired("target")
	c.AddCommand(verifyCommand())
	return c
}

// simulation is what the flags say besides simulator.Config.
type simulation struct {
	protocols, target, report, ledger string
	offset                            int
	rate                              float64
}

func (s *simulation) run(ctx context.Context, cfg simulator.Config, c *cobra.Command) (err error) {
	if cfg.Mix, err = simulator.ParseMix(s.protocols, s.target, s.offset); err != nil {
		return err
	}
	if s.rate < 0 {
		return fmt.Errorf("rate: %v, want more than 0: %w", s.rate, data.ErrInvalid)
	}
	if s.rate > 0 {
		cfg.Interval = time.Duration(float64(time.Second) * float64(max(cfg.Devices, 1)) / s.rate)
	}
	if cfg.OfflineEvery == 0 {
		cfg.OfflineEvery = 10 * cfg.Offline
	}
	if s.ledger != "" {
		file, err := os.Create(s.ledger)
		if err != nil {
			return fmt.Errorf("open ledger: %w", err)
		}
		defer file.Close()
		cfg.Ledger = file
	}
	report, err := simulator.Run(ctx, cfg, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)))
	if err != nil {
		return err
	}
	if s.report != "-" {
		fmt.Fprint(c.OutOrStdout(), report.String())
	}
	return writeJSON(s.report, report, c)
}

// writeJSON writes v to a file, to standard output if that is "-", or nowhere.
func writeJSON(name string, v any, c *cobra.Command) error {
	if name == "" {
		return nil
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if name == "-" {
		_, err = c.OutOrStdout().Write(b)
	} else {
		err = os.WriteFile(name, b, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// passwordVariable holds the password, so that no list of processes shows it.
const passwordVariable = "WAYMARK_PASSWORD"

// verifyCommand compares a ledger with the server.
func verifyCommand() *cobra.Command {
	var ledger, url, user, passwordFile, report string
	c := &cobra.Command{
		Use: "verify", Short: "Check that the server has stored what it acknowledged: nothing missing, nothing twice, nothing changed", Args: cobra.NoArgs,
		Long:    "Compares the ledger of a simulation with what the API shows. The password comes from --password-file or the variable " + passwordVariable + ".",
		Example: "  waymark simulate verify --ledger sent.csv --url http://127.0.0.1:8082 --user anna@example.com --password-file password",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := rungroup.Signals(c.Context())
			defer stop()
			password := os.Getenv(passwordVariable)
			if passwordFile != "" {
				b, err := os.ReadFile(passwordFile)
				if err != nil {
					return fmt.Errorf("read password: %w", err)
				}
				password = strings.TrimRight(string(b), "\r\n")
			}
			verdict, err := verify(ctx, ledger, url, user, password)
			if err != nil {
				return err
			}
			if report != "-" {
				fmt.Fprint(c.OutOrStdout(), verdict.String())
			}
			if err := writeJSON(report, verdict, c); err != nil {
				return err
			}
			if !verdict.OK() {
				return fmt.Errorf("%d acknowledged positions are missing, %d are stored twice, %d were changed: %w",
					verdict.Missing, verdict.Twice, verdict.Changed, data.ErrConflict)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&ledger, "ledger", "", "file that simulate --ledger has written")
	f.StringVar(&url, "url", "", "address of the page: http://host:port")
	f.StringVar(&user, "user", "", "e-mail address of an account that may see the devices")
	f.StringVar(&passwordFile, "password-file", "", "file with its password")
	f.StringVar(&report, "report", "", "file for the result as JSON; - is standard output")
	for _, name := range []string{"ledger", "url", "user"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}

func verify(ctx context.Context, ledger, url, user, password string) (simulator.Verdict, error) {
	file, err := os.Open(ledger)
	if err != nil {
		return simulator.Verdict{}, fmt.Errorf("open ledger: %w", err)
	}
	defer file.Close()
	api, err := simulator.SignIn(ctx, url, user, password)
	if err != nil {
		return simulator.Verdict{}, err
	}
	return simulator.Verify(ctx, file, api)
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
