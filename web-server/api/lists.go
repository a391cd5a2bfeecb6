package api

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/waymark-gps/waymark/data"
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
		linked, err := s.deps.Store.LinkedIDs(r.Context(), owner, []int64{id})
		if err != nil {
			return nil, fmt.Errorf("list links of %s: %w", owner, err)
		}
		property := kind
		if kind == data.UserKind {
			property = data.ManagedUserKind
		} else if kind == data.DeviceKind && owner == data.DeviceKind {
			property = data.LinkedDeviceKind
		}
		own := linked[property]
		if managed := owner == data.UserKind && slices.Contains(v.Managed(), id); ids == nil || managed {
			ids = append([]int64{}, own...) // never nil, which would be all
			continue
		}
		ids = intersect(ids, own)
	}
	return ids, nil
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
