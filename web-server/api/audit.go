package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// maxAudit bounds an answer. Who needs more asks for a shorter time.
	maxAudit = 10_000
	// auditTimeout bounds the writing of an entry after the answer's own work.
	auditTimeout = 5 * time.Second
)

// What people do, as the audit says it.
const (
	actionCreate = "create"
	actionUpdate = "update"
	actionDelete = "delete"
	actionLink   = "link"
	actionUnlink = "unlink"
	actionSignIn = "signIn"
	actionActAs  = "actAs"
)

// audit writes down what somebody does.
func (s *Server) audit(r *http.Request, userID int64, action string, kind data.ObjectKind, id int64, attributes map[string]any) error {
	e := data.AuditEntry{
		Time: s.deps.Now(), UserID: userID, Action: action, ObjectType: string(kind), ObjectID: id, Attributes: attributes,
	}
	if a := remoteAddr(r); a.IsValid() {
		e.Address = a.String()
	}
	if err := s.deps.Store.RecordAudit(r.Context(), &e); err != nil {
		return fmt.Errorf("write the audit entry: %w", err)
	}
	return nil
}

// record writes down what the sender of a request has done. It is done, so a
// store that does not answer now costs the entry, not the answer; the log has it.
func (s *Server) record(r *http.Request, action string, kind data.ObjectKind, id int64, attributes map[string]any) {
	s.recordAs(r, identityOf(r).user.ID, action, kind, id, attributes)
}

func (s *Server) recordAs(r *http.Request, userID int64, action string, kind data.ObjectKind, id int64, attributes map[string]any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), auditTimeout)
	defer cancel()
	if err := s.audit(r.WithContext(ctx), userID, action, kind, id, attributes); err != nil {
		s.deps.Log.Error("audit entry lost", "request", requestID(r.Context()), "user", userID, "action", action,
			"kind", string(kind), "object", id, "err", err)
	}
}

// getAudit lists who did what, the last first: ?from&to, ?userId, ?objectType
// and ?objectId.
func (s *Server) getAudit(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	f := storage.AuditFilter{ObjectType: q.Get("objectType"), Limit: maxAudit}
	if f.From, f.To, err = q.period(); err != nil {
		return err
	}
	if f.UserID, err = q.number("userId"); err != nil {
		return err
	}
	if f.ObjectID, err = q.number("objectId"); err != nil {
		return err
	}
	list, err := s.deps.Store.ListAudit(r.Context(), f)
	if err != nil {
		return fmt.Errorf("list audit entries: %w", err)
	}
	return writeJSON(w, appendList(nil, len(list), func(b []byte, i int) []byte { return appendAudit(b, &list[i]) }))
}

func appendAudit(b []byte, e *data.AuditEntry) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, e.ID, 10)
	b = append(b, `,"attributes":`...)
	b = appendAttributes(b, e.Attributes)
	b = append(b, `,"actionTime":`...)
	b = data.AppendJSONTime(b, e.Time)
	b = append(b, `,"address":`...)
	b = data.AppendJSONString(b, e.Address)
	b = append(b, `,"userId":`...)
	b = strconv.AppendInt(b, e.UserID, 10)
	b = append(b, `,"actionType":`...)
	b = data.AppendJSONString(b, e.Action)
	b = append(b, `,"objectType":`...)
	b = data.AppendJSONString(b, e.ObjectType)
	b = append(b, `,"objectId":`...)
	return append(strconv.AppendInt(b, e.ObjectID, 10), '}')
}
