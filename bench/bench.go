// Package bench measures a server as its users would: real frames over real
// sockets into a process of its own, which is asked what CPU time it used. The
// figures are those of Waymark's promises; docs/performance.md says how to read
// them.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/version"
)

// Options says what is measured and how long.
type Options struct {
	// Program is the waymark program to measure.
	Program string
	// Dir is where data goes, in folders that are removed afterwards.
	Dir string
	// Postgres is the URL of an empty database on this machine; empty leaves its
	// scenario out.
	Postgres string
	// Only names the scenarios to run; none is all of them.
	Only []string
	// Runs is how often each is run; the median counts.
	Runs int
	// Duration is how long each run measures, after Warmup.
	Duration, Warmup time.Duration
	// Devices is how many devices send in the scenarios of throughput.
	Devices int
	// Viewers is how many sockets watch.
	Viewers int
	// Points is how many positions the history holds from which a day is read.
	Points int64
	// Profile is a file that gets a CPU profile of the server, of the last run;
	// empty for none.
	Profile string
	// Progress is told what is being done.
	Progress io.Writer
}

// DefaultOptions are those of the figures in the documentation.
func DefaultOptions() Options {
	return Options{
		Dir: os.TempDir(), Runs: 3, Duration: 15 * time.Second, Warmup: 5 * time.Second,
		Devices: 2000, Viewers: 100, Points: 100_000_000, Progress: io.Discard,
	}
}

// Figure is one line of the table.
type Figure struct {
	Scenario string `json:"scenario"`
	What     string `json:"what"`
	Unit     string `json:"unit"`
	// Value is the median of Runs.
	Value float64   `json:"value"`
	Runs  []float64 `json:"runs"`
	// Must is the promise, Lower whether less is better.
	Must  float64 `json:"must"`
	Lower bool    `json:"lowerIsBetter"`
}

// Holds tells whether the promise is kept.
func (f Figure) Holds() bool {
	if f.Lower {
		return f.Value <= f.Must
	}
	return f.Value >= f.Must
}

// Report is what came out.
type Report struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	CPUs    int       `json:"cpus"`
	// LoadBefore and LoadAfter are the load averages of the machine.
	LoadBefore string   `json:"loadBefore"`
	LoadAfter  string   `json:"loadAfter"`
	Figures    []Figure `json:"figures"`
	// LeftOut says which scenarios were not run, and why.
	LeftOut []string `json:"leftOut,omitempty"`
}

// scenario measures one or more figures.
type scenario struct {
	name    string
	figures []Figure // without values
	run     func(ctx context.Context, o Options) ([]float64, error)
}

func scenarios() []scenario {
	return slices.Concat(throughput, history, idle, web)
}

// Names lists the scenarios.
func Names() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// Run measures.
func Run(ctx context.Context, o Options) (Report, error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return Report{}, fmt.Errorf("there is no scenario %q, choose of %s: %w", name, strings.Join(Names(), ", "), data.ErrInvalid)
		}
	}
	r := Report{Version: version.String(), At: time.Now().UTC(), CPUs: runtime.NumCPU(), LoadBefore: loadAverage()}
	for _, s := range scenarios() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.name) {
			continue
		}
		if s.name == onPostgres && o.Postgres == "" {
			r.LeftOut = append(r.LeftOut, s.name+": no --postgres URL was given")
			continue
		}
		figures, err := s.measure(ctx, o)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.name, err)
		}
		r.Figures = append(r.Figures, figures...)
	}
	r.LoadAfter = loadAverage()
	return r, nil
}

// measure runs a scenario some times and takes the median of each figure.
func (s scenario) measure(ctx context.Context, o Options) ([]Figure, error) {
	figures := slices.Clone(s.figures)
	for run := range max(1, o.Runs) {
		fmt.Fprintf(o.Progress, "%s, run %d of %d\n", s.name, run+1, max(1, o.Runs))
		values, err := s.run(ctx, o)
		if err != nil {
			return nil, err
		}
		for i, v := range values {
			figures[i].Runs = append(figures[i].Runs, v)
		}
	}
	for i := range figures {
		f := &figures[i]
		f.Scenario = s.name
		sorted := slices.Sorted(slices.Values(f.Runs))
		f.Value = sorted[len(sorted)/2]
	}
	return figures, nil
}

// WriteTable writes the report for people.
func (r Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "scenario\twhat\tfigure\tmust\t\truns\n")
	for _, f := range r.Figures {
		sign, verdict := "at least", "ok"
		if f.Lower {
			sign = "at most"
		}
		if !f.Holds() {
			verdict = "MISSED"
		}
		var runs []string
		for _, v := range f.Runs {
			runs = append(runs, number(v))
		}
		fmt.Fprintf(t, "%s\t%s\t%s %s\t%s %s\t%s\t%s\n", f.Scenario, f.What, number(f.Value), f.Unit, sign, number(f.Must), verdict, strings.Join(runs, " "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, text := range r.LeftOut {
		fmt.Fprintf(w, "left out: %s\n", text)
	}
	_, err := fmt.Fprintf(w, "%s, %d CPUs, load average %s before and %s after\n", r.Version, r.CPUs, r.LoadBefore, r.LoadAfter)
	return err
}

func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
