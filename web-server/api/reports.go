package api

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/report"
	"github.com/waymark-gps/waymark/util/report/sheet"
	"github.com/waymark-gps/waymark/web-server/reporting"
)

// reportNames are the reports there can be.
var reportNames = func() []string {
	names := []string{report.Combined}
	for _, r := range report.All {
		names = append(names, r.Name)
	}
	return names
}()

// newReports makes what makes reports.
func (s *Server) newReports() *reporting.Service {
	return reporting.New(reporting.Deps{
		Store: s.deps.Store, Access: s.access, Mail: s.deps.Mail, Log: s.deps.Log, Now: s.deps.Now,
		Maker: &report.Maker{Store: s.deps.Store, Fleet: settingsNow{s}, Now: s.deps.Now},
	})
}

// settingsNow is what holds for devices, see Server.settings.
type settingsNow struct{ *Server }

func (n settingsNow) All(ctx context.Context, deviceIDs []int64, dst []*fleet.Settings) ([]*fleet.Settings, error) {
	return n.settings().All(ctx, deviceIDs, dst)
}

// Schedule sends scheduled reports until ctx ends. One process does it at a time.
func (s *Server) Schedule(ctx context.Context) error { return s.reports.Schedule(ctx) }

// reportRoutes are those of reports; they stream.
func (s *Server) reportRoutes(r chi.Router) {
	path := "/reports/{report:" + strings.Join(reportNames, "|") + "}"
	tables := "/reports/{report:" + strings.Join(reportNames[1:], "|") + "}" // combined is several
	r.Get(path, s.handle(s.getReport("")))
	r.Get(path+"/xlsx", s.handle(s.getReport("xlsx")))
	r.Get(tables+"/csv", s.handle(s.getReport("csv")))
	r.Get(path+"/mail", s.handle(s.mailReport))
}

// getReport answers a report: ?deviceId, ?groupId (repeatable; none is every
// device), ?from&to, for sums ?period or ?daily, for events ?type and ?alarm.
// Without a format it is the one that the header Accept asks for, else JSON.
func (s *Server) getReport(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		ask, err := reportAsk(r)
		if err != nil {
			return err
		}
		format := acceptedFormat(r)
		if name != "" {
			if format, err = sheet.Named(name); err != nil {
				return err
			}
		}
		v := viewerOf(r)
		job, err := s.reports.Prepare(r.Context(), v, ask, format)
		if err != nil {
			return err
		}
		h := w.Header()
		h.Add("Vary", "Accept")
		h.Set("Content-Type", format.ContentType)
		if format.Name != "json" {
			h.Set("Content-Disposition", attachment(job.Name+"."+format.Name))
		}
		out := s.stream(w, r)
		part := bufio.NewWriterSize(out, streamChunk)
		if err = job.Write(r.Context(), part); err == nil {
			err = part.Flush()
		}
		if err != nil && !out.started { // the answer becomes a text
			h.Del("Content-Disposition")
		}
		return out.finish(err)
	}
}

// mailReport sends a report as XLSX to the sender's address, in the background.
func (s *Server) mailReport(w http.ResponseWriter, r *http.Request) error {
	ask, err := reportAsk(r)
	if err != nil {
		return err
	}
	format, err := sheet.Named("xlsx")
	if err != nil {
		return err
	}
	v := viewerOf(r)
	if _, err := s.reports.Prepare(r.Context(), v, ask, format); err != nil {
		return err
	}
	if err := s.reports.Enqueue(&v.User, ask, format); err != nil {
		return err
	}
	return writeNothing(w)
}

// acceptedFormat is the first of the formats that the header Accept names.
func acceptedFormat(r *http.Request) sheet.Format {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, _, _ := strings.Cut(part, ";")
		for _, f := range sheet.All {
			if strings.EqualFold(strings.TrimSpace(kind), f.Accept) {
				return f
			}
		}
	}
	return sheet.All[0]
}

// reportAsk reads what a request asks for.
func reportAsk(r *http.Request) (a reporting.Ask, err error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return a, err
	}
	a.Report = chi.URLParam(r, "report")
	var errs [7]error
	a.DeviceIDs, errs[0] = q.ids("deviceId")
	a.GroupIDs, errs[1] = q.ids("groupId")
	a.From, a.To, errs[2] = q.period()
	daily, err := q.flag("daily")
	errs[3] = err
	a.Period, errs[4] = report.ParsePeriod(q.Get("period"))
	if daily && a.Period == "" {
		a.Period = report.Day
	}
	if a.Report != "devices" && (a.From.IsZero() || a.To.IsZero()) {
		errs[5] = invalid("give both from and to")
	}
	errs[6] = checkPeriods(&a)
	a.Types, a.Alarms = words(q.Values["type"]), words(q.Values["alarm"])
	for _, e := range errs {
		if e != nil {
			return a, e
		}
	}
	if len(a.Types) > maxQueryIDs || len(a.Alarms) > maxQueryIDs {
		return a, invalid("type and alarm may be given at most %d times", maxQueryIDs)
	}
	return a, nil
}

// maxPeriods bounds the rows of a device in a sum: ten years of days.
const maxPeriods = 3660

// checkPeriods refuses spans of centuries that would be divided into days.
func checkPeriods(a *reporting.Ask) error {
	days := map[report.Period]int{"": 1, report.Day: 1, report.Week: 7, report.Month: 28}[a.Period]
	sums := a.Period != "" || a.Report == "fuel" || a.Report == "mileage"
	if sums && days > 0 && int(a.To.Sub(a.From)/(24*time.Hour)) > maxPeriods*days {
		return invalid("ask for at most %d days, weeks or months at once, or for period=whole", maxPeriods)
	}
	return nil
}

// words are the values of a parameter that is repeated, or has commas.
func words(values []string) []string {
	var out []string
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			if one = strings.TrimSpace(one); one != "" {
				out = append(out, one)
			}
		}
	}
	return out
}
