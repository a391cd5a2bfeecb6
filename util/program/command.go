package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waymark-gps/waymark/util/config"
	"github.com/waymark-gps/waymark/util/health"
	"github.com/waymark-gps/waymark/util/logging"
	"github.com/waymark-gps/waymark/util/logging/stdlog"
	"github.com/waymark-gps/waymark/util/rungroup"
	"github.com/waymark-gps/waymark/util/version"
)

// Service is a program as its main describes it.
type Service struct {
	// Name is what the program is called, Short what it does.
	Name, Short string
	// Settings points to the struct of settings, which holds the defaults.
	Settings any
	// Others are sections of a shared configuration that other programs read.
	Others []string
	// Log says how to log, Listen where /healthz is; both are asked when the
	// settings have been read.
	Log    func() logging.Config
	Listen func() string
	// Flags adds flags of its own, and Prepare changes defaults by them. Both
	// are optional.
	Flags   func(*cobra.Command)
	Prepare func()
	// Run works until ctx ends.
	Run func(ctx context.Context, log *slog.Logger) error
}

// healthTimeout bounds the healthcheck command.
const healthTimeout = 5 * time.Second

// Command makes the command that runs the service.
func (s Service) Command() *cobra.Command {
	c := &cobra.Command{
		Use: s.Name, Short: s.Short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := s.load(c); err != nil {
				return err
			}
			log, err := logging.New(s.Log(), os.Stderr)
			if err != nil {
				return err
			}
			stdlog.Pass(func(line string) { log.Info("library", "text", line) })
			ctx, stop := rungroup.Signals(c.Context())
			defer stop()
			return s.Run(ctx, log)
		},
	}
	s.flags(c)
	return c
}

// ConfigCommand makes the command that prints the settings in force.
func (s Service) ConfigCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Print the settings in force and where each comes from", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			effective, err := s.load(c)
			if err != nil {
				return err
			}
			_, err = effective.WriteTo(c.OutOrStdout())
			return err
		},
	}
	s.flags(c)
	return c
}

// HealthCommand makes the command that asks a running service whether it is
// alive: images have no shell and no curl.
func (s Service) HealthCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "healthcheck", Short: "Ask the running service for /healthz; exit code 0 if it answers", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := s.load(c); err != nil {
				return err
			}
			host, port, err := net.SplitHostPort(s.Listen())
			if err != nil {
				return err
			}
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			ctx, cancel := context.WithTimeout(c.Context(), healthTimeout)
			defer cancel()
			return health.Check(ctx, "http://"+net.JoinHostPort(host, port)+"/healthz")
		},
	}
	s.flags(c)
	return c
}

func (s Service) flags(c *cobra.Command) {
	config.Flags(c.Flags(), s.Settings)
	c.Flags().SortFlags = false
	if s.Flags != nil {
		s.Flags(c)
	}
}

func (s Service) load(c *cobra.Command) (*config.Effective, error) {
	if s.Prepare != nil {
		s.Prepare()
	}
	return config.Load(s.Settings, config.Source{Environ: os.Environ(), Flags: c.Flags(), Others: s.Others})
}

// VersionCommand makes the command that prints the version.
func VersionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), version.String()) },
	}
}

// Main is the main of a program that is one service.
func (s Service) Main() {
	c := s.Command()
	c.AddCommand(s.ConfigCommand(), s.HealthCommand(), VersionCommand())
	Execute(c)
}

// Execute runs a command. An error is printed, a problem a line, and the exit
// code is 1.
func Execute(c *cobra.Command) {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.CompletionOptions.HiddenDefaultCmd = true
	err := c.ExecuteContext(context.Background())
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	for line := range strings.SplitSeq(logging.Redact(err.Error()), "\n") {
		fmt.Fprintf(os.Stderr, "%s: %s\n", c.Name(), line)
	}
	os.Exit(1)
}
