package storage

import (
	"context"
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

// ObjectFilter chooses objects of a kind; the fields set must all hold.
type ObjectFilter struct {
	Kind data.ObjectKind
	// IDs: only these. A nil slice does not choose, an empty one chooses nothing.
	IDs []int64
	// Keyword: the name contains it, in any case.
	Keyword string
	// Limit and Offset page through the result; Limit 0 is no limit.
	Limit, Offset int
}

// Objects keeps what people make, see data.Object. ListObjects and FindObject
// read them with their types.
type Objects interface {
	// CreateObject stores o and sets its id.
	CreateObject(ctx context.Context, o data.Object) error
	// UpdateObject stores o. A group that would be within itself: ErrInvalid.
	UpdateObject(ctx context.Context, o data.Object) error
	// DeleteObject removes an object with its links; what refers to it (devices
	// and groups of a group, what has a calendar or a command) refers to none.
	DeleteObject(ctx context.Context, kind data.ObjectKind, id int64) error
	// Documents returns objects by name, then id.
	Documents(ctx context.Context, f ObjectFilter) ([]data.Document, error)
}

// ListObjects returns objects of a type, by name, then id.
func ListObjects[T any, P interface {
	*T
	data.Object
}](ctx context.Context, s Objects, f ObjectFilter) ([]T, error) {
	f.Kind = P(new(T)).Kind()
	docs, err := s.Documents(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(docs))
	for i := range docs {
		if err := docs[i].Decode(P(&out[i])); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// FindObject returns the object of a type with an id, or data.ErrNotFound.
func FindObject[T any, P interface {
	*T
	data.Object
}](ctx context.Context, s Objects, id int64) (T, error) {
	found, err := ListObjects[T, P](ctx, s, ObjectFilter{IDs: []int64{id}})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("find %s: %w", P(new(T)).Kind(), data.ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// LinkFilter chooses links; the fields set must all hold. A nil slice does not
// choose, an empty one chooses nothing.
type LinkFilter struct {
	Owner       data.ObjectKind
	OwnerIDs    []int64
	Property    data.ObjectKind
	PropertyIDs []int64
}

// Links say what belongs to whom.
type Links interface {
	// AddLinks stores links in one transaction; what is there already is no error.
	// One of the things does not exist: ErrNotFound, and nothing is stored.
	AddLinks(ctx context.Context, links ...data.Link) error
	// RemoveLinks removes links in one transaction; what is not there is no error.
	RemoveLinks(ctx context.Context, links ...data.Link) error
	// ListLinks returns links by owner and property.
	ListLinks(ctx context.Context, f LinkFilter) ([]data.Link, error)
	// LinkedIDs returns the ids of everything that belongs to one of the owners,
	// by kind, ascending.
	LinkedIDs(ctx context.Context, owner data.ObjectKind, ownerIDs []int64) (map[data.ObjectKind][]int64, error)
}
