package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// chosen are the ids of a kind that a list may show, nil for all: what the
// sender sees, and of that what the query asks for. ?userId lists what is linked
// to an account itself, also to one that the sender manages; ?deviceId and
// ?groupId what is linked to a device or group itself.
func (s *Server) chosen(r *http.Request, q query, kind data.ObjectKind) ([]int64, error) {
	v := viewerOf(r)
	if _, err := q.flag("all"); err != nil { // everybody is shown everything they see
		return nil, err
	}
	ids := v.IDs(kind)
	for _, owner := range []data.ObjectKind{data.UserKind, data.DeviceKind, data.GroupKind} {
		id, err := q.number(string(owner) + "Id")
		if err != nil {
			return nil, err
		}
		if id == 0 || (kind == data.DeviceKind && owner == data.GroupKind) {
			continue // devices are in groups, not linked to them: the caller looks
		}
		if !v.Sees(owner, id) {
			return nil, errNoSuchObject
		}
		own, err := s.linkedTo(r.Context(), kind, owner, id)
		if err != nil {
			return nil, fmt.Errorf("list links of %s: %w", owner, err)
		}
		if managed := owner == data.UserKind && slices.Contains(v.Managed(), id); ids == nil || managed {
			ids = append([]int64{}, own...) // never nil, which would be all
			continue
		}
		ids = intersect(ids, own)
	}
	return ids, nil
}

// linkedTo are the ids of a kind that are linked to something. Accounts are not
// linked to devices and groups, those are to them; asked for is the same link.
func (s *Server) linkedTo(ctx context.Context, kind, to data.ObjectKind, id int64) ([]int64, error) {
	if kind == data.UserKind && to != data.UserKind {
		links, err := s.deps.Store.ListLinks(ctx, storage.LinkFilter{Owner: data.UserKind, Property: to, PropertyIDs: []int64{id}})
		ids := make([]int64, len(links))
		for i := range links {
			ids[i] = links[i].OwnerID
		}
		return ids, err
	}
	linked, err := s.deps.Store.LinkedIDs(ctx, to, []int64{id})
	property := kind
	if kind == data.UserKind {
		property = data.ManagedUserKind
	} else if kind == data.DeviceKind && to == data.DeviceKind {
		property = data.LinkedDeviceKind
	}
	return linked[property], err
}

// intersect are the ids in both sorted lists, never nil.
func intersect(a, b []int64) []int64 {
	both := []int64{}
	for _, id := range b {
		if _, ok := slices.BinarySearch(a, id); ok {
			both = append(both, id)
		}
	}
	return both
}

// page is what every list can be asked for.
type page struct {
	keyword           string
	limit, offset     int
	excludeAttributes bool
}

// cut is the part of a list that a page shows.
func cut[T any](list []T, p page) []T {
	list = list[min(p.offset, len(list)):]
	if p.limit > 0 {
		list = list[:min(p.limit, len(list))]
	}
	return list
}

// readPage reads what a list of a request is asked for.
func readPage(r *http.Request) (page, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return page{}, err
	}
	return q.page()
}

func (q query) page() (p page, err error) {
	limit, err := q.number("limit")
	if err != nil {
		return p, err
	}
	offset, err := q.number("offset")
	if err != nil {
		return p, err
	}
	if p.excludeAttributes, err = q.flag("excludeAttributes"); err != nil {
		return p, err
	}
	p.keyword = q.Get("keyword")
	p.limit, p.offset = int(min(limit, math.MaxInt32)), int(min(offset, math.MaxInt32))
	return p, nil
}
