package backup

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/postgres"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// checked is what both back ends are.
type checked interface {
	storage.Store
	Check(ctx context.Context, report func(history.Problem)) error
}

// Check reads everything in a store and reports what is damaged: files that the
// database cannot read, blocks whose sums, counts or order are wrong, references
// to what does not exist. It changes nothing and may run beside a server; what
// that changes meanwhile may be reported, then a second run does not. An error
// says that the check itself ended early.
func Check(ctx context.Context, at Place, log *slog.Logger, report func(problem string)) error {
	s, err := openToCheck(ctx, at, log)
	if err != nil {
		return err
	}
	defer s.Close()
	damage := false
	err = s.Check(ctx, func(p history.Problem) {
		damage = true
		report(p.Text)
	})
	if err == nil {
		err = checkReferences(ctx, s, report)
	}
	if err != nil && damage && ctx.Err() == nil { // no wonder
		report(fmt.Sprintf("the check could not go on: %v", err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("check the store: %w", err)
	}
	return nil
}

func openToCheck(ctx context.Context, at Place, log *slog.Logger) (checked, error) {
	if at.URL != "" {
		return opened(postgres.OpenToCheck(ctx, at.URL, log))
	}
	return opened(sqlite.OpenToCheck(ctx, at.Path, log))
}

// opened keeps a nil pointer from becoming a store that is not nil.
func opened[S checked](s S, err error) (checked, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkReferences finds references to what does not exist. Links are read
// first: what is made meanwhile is no problem, and what is deleted takes its
// links along.
func checkReferences(ctx context.Context, s storage.Store, report func(string)) error {
	var links []data.Link
	for owner := range data.LinkRules {
		found, err := s.ListLinks(ctx, storage.LinkFilter{Owner: owner})
		if err != nil {
			return err
		}
		links = append(links, found...)
	}
	devices, err := s.ListDevices(ctx, storage.DeviceFilter{})
	if err != nil {
		return err
	}
	there, err := everything(ctx, s)
	if err != nil {
		return err
	}
	for i := range devices {
		d := &devices[i]
		there[data.DeviceKind][d.ID] = true
		if d.GroupID != 0 && !there[data.GroupKind][d.GroupID] {
			report(fmt.Sprintf("device %d: it is in group %d, which does not exist: choose another group for it", d.ID, d.GroupID))
		}
		if d.CalendarID != 0 && !there[data.CalendarKind][d.CalendarID] {
			report(fmt.Sprintf("device %d: it has calendar %d, which does not exist: choose another one for it", d.ID, d.CalendarID))
		}
	}
	for _, l := range links {
		owner, property := there[l.Owner.Base()], there[l.Property.Base()]
		if !owner[l.OwnerID] || !property[l.PropertyID] {
			report(fmt.Sprintf("link: %s %d has %s %d, one of which does not exist; it has no effect", l.Owner, l.OwnerID, l.Property, l.PropertyID))
		}
	}
	return nil
}

// everything is which objects of each kind there are, but for devices.
func everything(ctx context.Context, s storage.Store) (map[data.ObjectKind]map[int64]bool, error) {
	there := map[data.ObjectKind]map[int64]bool{data.DeviceKind: {}, data.UserKind: {}}
	users, err := s.ListUsers(ctx)
	if err != nil {
		return nil, err
	}
	for i := range users {
		there[data.UserKind][users[i].ID] = true
	}
	for _, kind := range data.DocumentKinds {
		docs, err := s.Documents(ctx, storage.ObjectFilter{Kind: kind})
		if err != nil {
			return nil, err
		}
		there[kind] = make(map[int64]bool)
		for i := range docs {
			there[kind][docs[i].ID] = true
		}
	}
	return there, nil
}
