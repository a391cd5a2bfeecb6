package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// getReportRuns tells how far the sending of a scheduled report has come: to
// whom of those the sender sees, until when, and what went wrong.
func (s *Server) getReportRuns(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	if !v.Sees(data.ReportKind, id) {
		return errNoSuchObject
	}
	if _, err := storage.FindObject[data.ScheduledReport](r.Context(), s.deps.Store, id); err != nil {
		return hidden(err)
	}
	runs, err := s.deps.Store.ReportRuns(r.Context(), id)
	if err != nil {
		return fmt.Errorf("list runs of report %d: %w", id, err)
	}
	runs = slices.DeleteFunc(runs, func(run data.ReportRun) bool { return !v.CanSeeUser(run.UserID) })
	return writeJSON(w, appendList(nil, len(runs), func(b []byte, i int) []byte { return appendRun(b, &runs[i]) }))
}

func appendRun(b []byte, run *data.ReportRun) []byte {
	b = append(b, `{"reportId":`...)
	b = strconv.AppendInt(b, run.ReportID, 10)
	b = append(b, `,"userId":`...)
	b = strconv.AppendInt(b, run.UserID, 10)
	b = append(b, `,"until":`...)
	b = data.AppendJSONTime(b, run.Until)
	b = append(b, `,"sentTime":`...)
	b = data.AppendJSONTime(b, run.SentAt)
	b = append(b, `,"attempts":`...)
	b = strconv.AppendInt(b, run.Attempts, 10)
	b = append(b, `,"error":`...)
	if run.Error == "" {
		b = append(b, "null"...)
	} else {
		b = data.AppendJSONString(b, run.Error)
	}
	b = append(b, `,"nextTime":`...)
	b = data.AppendJSONTime(b, run.NextAt)
	return append(b, '}')
}

// maxStatistics bounds an answer, in days.
const maxStatistics = 3660

// getStatistics tells how much was done, by days (UTC): ?from&to.
func (s *Server) getStatistics(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	from, to, err := q.period()
	if err != nil {
		return err
	}
	if from.IsZero() || to.IsZero() {
		return invalid("give both from and to")
	}
	first, last := data.DayOf(from), data.DayOf(to)
	if last-first > maxStatistics {
		return invalid("ask for at most %d days", maxStatistics)
	}
	days, err := s.deps.Store.StatisticsBetween(r.Context(), first, last)
	if err != nil {
		return fmt.Errorf("list statistics: %w", err)
	}
	return writeJSON(w, appendList(nil, len(days), func(b []byte, i int) []byte { return appendStatistics(b, &days[i]) }))
}

// appendStatistics writes a day; its captureTime is the end of the day.
func appendStatistics(b []byte, d *data.Statistics) []byte {
	b = append(b, `{"captureTime":`...)
	b = data.AppendJSONTime(b, time.Unix((d.Day+1)*86400, 0).UTC())
	for _, name := range []string{
		data.CountActiveUsers, data.CountActiveDevices, data.CountRequests, data.CountMessagesReceived, data.CountMessagesStored,
		data.CountMailSent, data.CountSMSSent, data.CountGeocoderRequests, data.CountGeolocationRequests,
	} {
		b = append(b, `,"`+name+`":`...)
		b = strconv.AppendInt(b, d.Counts[name], 10)
	}
	b = append(b, `,"protocols":{`...)
	var protocols []string
	for name := range d.Counts {
		if p, ok := strings.CutPrefix(name, data.CountProtocol); ok {
			protocols = append(protocols, p)
		}
	}
	slices.Sort(protocols)
	for i, p := range protocols {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(data.AppendJSONString(b, p), ':')
		b = strconv.AppendInt(b, d.Counts[data.CountProtocol+p], 10)
	}
	return append(b, "}}"...)
}

// scheduleRoutes are those about scheduled reports besides the objects.
func (s *Server) scheduleRoutes(r chi.Router) { r.Get("/reports/{id}/runs", s.handle(s.getReportRuns)) }
