package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// maxObject bounds an object as JSON, in bytes; maxObjects bounds how many of
	// a kind somebody who is no administrator may have.
	maxObject  = 256 << 10
	maxObjects = 10_000
)

// object is a pointer to a T that is a data.Object.
type object[T any] interface {
	*T
	data.Object
}

// resource serves a kind of object: list, read, create, update, delete.
type resource[T any, P object[T]] struct {
	s    *Server
	kind data.ObjectKind
	// check cleans what a client sent, completed with what was stored, and
	// refuses what breaks a rule.
	check func(o P) error
	// links are further links of a new object. Optional.
	links func(r *http.Request, o P) ([]data.Link, error)
	// hide removes what is not shown. Optional.
	hide func(o P)
}

// routes adds the resource's routes below a path.
func (h resource[T, P]) routes(r chi.Router, path string) {
	h.kind = P(new(T)).Kind()
	r.Get(path, h.s.handle(h.list))
	r.Post(path, h.s.handle(h.create))
	r.Get(path+"/{id}", h.s.handle(h.get))
	r.Put(path+"/{id}", h.s.handle(h.update))
	r.Delete(path+"/{id}", h.s.handle(h.delete))
}

// list lists objects: ?all ?userId ?deviceId ?groupId ?keyword ?limit ?offset
// ?excludeAttributes.
func (h resource[T, P]) list(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := q.page()
	if err != nil {
		return err
	}
	ids, err := h.s.chosen(r, q, h.kind)
	if err != nil {
		return err
	}
	objects, err := storage.ListObjects[T, P](r.Context(), h.s.deps.Store,
		storage.ObjectFilter{IDs: ids, Keyword: page.keyword, Limit: page.limit, Offset: page.offset})
	if err != nil {
		return fmt.Errorf("list %s: %w", h.kind, err)
	}
	for i := range objects {
		h.show(&objects[i], page.excludeAttributes)
	}
	b, err := json.Marshal(objects)
	if err != nil {
		return fmt.Errorf("write %s: %w", h.kind, err)
	}
	return writeJSON(w, b)
}

func (h resource[T, P]) show(o *T, excludeAttributes bool) {
	if h.hide != nil {
		h.hide(o)
	}
	if excludeAttributes {
		if f := reflect.ValueOf(o).Elem().FieldByName("Attributes"); f.IsValid() {
			f.SetZero()
		}
	}
}

func (h resource[T, P]) answer(w http.ResponseWriter, o *T) error {
	h.show(o, false)
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write %s: %w", h.kind, err)
	}
	return writeJSON(w, b)
}

// visible is the object of the address, if the sender may see it.
func (h resource[T, P]) visible(r *http.Request) (T, error) {
	var none T
	id, err := pathID(r)
	if err != nil {
		return none, err
	}
	if !viewerOf(r).Sees(h.kind, id) {
		return none, errNoSuchObject
	}
	o, err := storage.FindObject[T, P](r.Context(), h.s.deps.Store, id)
	return o, hidden(err)
}

// editable is visible for those who may change it.
func (h resource[T, P]) editable(r *http.Request) (T, error) {
	o, err := h.visible(r)
	if err != nil {
		return o, err
	}
	v := viewerOf(r)
	if err := v.MayEdit(h.kind); err != nil {
		return o, err
	}
	if !v.Owns(h.kind, *P(&o).Fields().ID) {
		return o, fmt.Errorf("%w: you see this %s because it is linked to one of your devices; it belongs to somebody else", data.ErrDenied, h.kind)
	}
	return o, nil
}

func (h resource[T, P]) get(w http.ResponseWriter, r *http.Request) error {
	o, err := h.visible(r)
	if err != nil {
		return err
	}
	return h.answer(w, &o)
}

// read reads the body over o and checks the result; a field left out stays as
// it is. old are the references that were there.
func (h resource[T, P]) read(r *http.Request, o P, old references) error {
	id := *o.Fields().ID
	if err := readJSON(r, o); err != nil {
		return err
	}
	if sent := *o.Fields().ID; id != 0 && sent != 0 && sent != id {
		return invalid("the id of the body is not the id of the address")
	}
	*o.Fields().ID = id
	if err := h.check(o); err != nil {
		return err
	}
	if b, err := json.Marshal(o); err != nil || len(b) > maxObject {
		return invalid("the %s is larger than %d KiB", h.kind, maxObject>>10)
	}
	return h.s.checkReferences(r, old, referencesOf(o))
}

// create stores a new object and links it to its creator.
func (h resource[T, P]) create(w http.ResponseWriter, r *http.Request) error {
	v := viewerOf(r)
	if err := v.MayEdit(h.kind); err != nil {
		return err
	}
	if n := len(v.IDs(h.kind)); n >= maxObjects {
		return fmt.Errorf("%w: you have %d already", data.ErrConflict, n)
	}
	var o T
	if err := h.read(r, &o, nil); err != nil {
		return err
	}
	var links []data.Link
	if h.links != nil {
		var err error
		if links, err = h.links(r, &o); err != nil {
			return err
		}
	}
	if err := h.s.deps.Store.CreateObject(r.Context(), P(&o)); err != nil {
		return err
	}
	id := *P(&o).Fields().ID
	for i := range links {
		links[i].PropertyID = id
	}
	links = append(links, data.Link{Owner: data.UserKind, OwnerID: v.User.ID, Property: h.kind, PropertyID: id})
	if err := h.s.deps.Store.AddLinks(r.Context(), links...); err != nil {
		// Nobody but administrators would see it.
		return errors.Join(fmt.Errorf("link new %s: %w", h.kind, err), h.s.deps.Store.DeleteObject(r.Context(), h.kind, id))
	}
	change := linksChanged(links)
	h.s.accessChanged(r, inGroups(change, P(&o)))
	h.s.record(r, actionCreate, h.kind, id, named(P(&o)))
	return h.answer(w, &o)
}

func (h resource[T, P]) update(w http.ResponseWriter, r *http.Request) error {
	o, err := h.editable(r)
	if err != nil {
		return err
	}
	old := referencesOf(P(&o))
	before := inGroups(data.AccessChange{}, P(&o))
	if err := h.read(r, &o, old); err != nil {
		return err
	}
	if err := h.s.deps.Store.UpdateObject(r.Context(), P(&o)); err != nil {
		if errors.Is(err, data.ErrInvalid) {
			return invalid("the group would be within itself")
		}
		return hidden(err)
	}
	if h.kind == data.GroupKind && old[data.GroupKind] != referencesOf(P(&o))[data.GroupKind] {
		h.s.accessChanged(r, inGroups(before, P(&o)))
	}
	h.s.objectChanged(r, h.kind, *P(&o).Fields().ID)
	h.s.record(r, actionUpdate, h.kind, *P(&o).Fields().ID, named(P(&o)))
	return h.answer(w, &o)
}

func (h resource[T, P]) delete(w http.ResponseWriter, r *http.Request) error {
	o, err := h.editable(r)
	if err != nil {
		return err
	}
	id := *P(&o).Fields().ID
	change, devices, err := h.s.before(r, h.kind, id)
	if err != nil {
		return err
	}
	if err := h.s.deps.Store.DeleteObject(r.Context(), h.kind, id); err != nil {
		return hidden(err)
	}
	h.s.accessChanged(r, change)
	h.s.objectChanged(r, h.kind, id)
	for i := range devices {
		h.s.deviceChanged(r, data.DeviceChange{ID: devices[i].ID, UniqueID: devices[i].UniqueID})
	}
	h.s.record(r, actionDelete, h.kind, id, named(P(&o)))
	return writeNothing(w)
}

// before finds out whom the end of an object concerns: everybody it is linked
// to, and the devices of a group.
func (s *Server) before(r *http.Request, kind data.ObjectKind, id int64) (change data.AccessChange, devices []data.Device, err error) {
	links, err := s.deps.Store.ListLinks(r.Context(), storage.LinkFilter{Property: kind, PropertyIDs: []int64{id}})
	if err != nil {
		return change, nil, fmt.Errorf("list links: %w", err)
	}
	change = linksChanged(links)
	if kind == data.GroupKind {
		change.GroupIDs = append(change.GroupIDs, id)
		devices, err = s.deps.Store.ListDevices(r.Context(), storage.DeviceFilter{GroupIDs: []int64{id}})
		if err != nil {
			return change, nil, fmt.Errorf("list devices of group: %w", err)
		}
	}
	return change, devices, nil
}

// named is what the audit keeps of an object besides its id.
func named(o data.Object) map[string]any { return map[string]any{"name": o.Fields().Name} }

// inGroups adds the groups that an object is and is in to a change.
func inGroups(c data.AccessChange, o data.Object) data.AccessChange {
	if f := o.Fields(); o.Kind() == data.GroupKind {
		c.GroupIDs = append(c.GroupIDs, *f.ID)
		if *f.GroupID != 0 {
			c.GroupIDs = append(c.GroupIDs, *f.GroupID)
		}
	}
	return c
}

// references are what an object refers to, by kind; 0 for none.
type references map[data.ObjectKind]int64

func referencesOf(o data.Object) references {
	f, refs := o.Fields(), references{}
	for kind, p := range map[data.ObjectKind]*int64{data.GroupKind: f.GroupID, data.CalendarKind: f.CalendarID, data.CommandKind: f.CommandID} {
		if p != nil {
			refs[kind] = *p
		}
	}
	return refs
}

// checkReferences refuses new references to what the sender does not see. Those
// that were there may stay: somebody else may have made them.
func (s *Server) checkReferences(r *http.Request, old, refs references) error {
	for _, kind := range []data.ObjectKind{data.GroupKind, data.CalendarKind, data.CommandKind} {
		id := refs[kind]
		if id == 0 || id == old[kind] {
			continue
		}
		missing := invalid("there is no %s %d, or you may not see it", kind, id)
		if id < 0 || !viewerOf(r).Sees(kind, id) {
			return missing
		}
		found, err := s.deps.Store.Documents(r.Context(), storage.ObjectFilter{Kind: kind, IDs: []int64{id}})
		if err != nil {
			return fmt.Errorf("find %s: %w", kind, err)
		}
		if len(found) == 0 {
			return missing
		}
	}
	return nil
}

// linksChanged is the change of what people see that a change of links makes.
func linksChanged(links []data.Link) (c data.AccessChange) {
	const many = 1000 // of so many it is shorter to say: all
	if len(links) > many {
		return data.AccessChange{All: true}
	}
	for _, l := range links {
		switch l.Owner {
		case data.UserKind:
			c.UserIDs = append(c.UserIDs, l.OwnerID)
		case data.GroupKind:
			c.GroupIDs = append(c.GroupIDs, l.OwnerID)
		case data.DeviceKind:
			c.DeviceIDs = append(c.DeviceIDs, l.OwnerID)
		}
	}
	return c
}

// accessChanged makes a change of what people see count here at once, and tells
// every other process. Without the bus they notice within a minute.
func (s *Server) accessChanged(r *http.Request, c data.AccessChange) {
	if !c.All && len(c.UserIDs)+len(c.GroupIDs)+len(c.DeviceIDs) == 0 {
		return
	}
	s.access.Changed(c)
	if err := s.deps.Bus.PublishAccess(c); err != nil {
		s.deps.Log.Warn("announce change of permissions", "request", requestID(r.Context()), "err", err)
	}
}

// objectChanged tells every process that what an object says counts no more.
// Without the bus they notice within minutes.
func (s *Server) objectChanged(r *http.Request, kind data.ObjectKind, id int64) {
	s.deps.Notifier.Changed()
	if err := s.deps.Bus.PublishObject(data.ObjectChange{Kind: kind, ID: id}); err != nil {
		s.deps.Log.Warn("announce change of an object", "request", requestID(r.Context()), "kind", kind, "id", id, "err", err)
	}
}

// onAccess hears of such changes, its own ones too.
func (s *Server) onAccess(c data.AccessChange) {
	s.access.Changed(c)
	s.deps.Notifier.AccessChanged(c)
	s.hub.AccessChanged(c)
}

// viewerOf says what the sender of a request may see and do.
func viewerOf(r *http.Request) *access.Viewer {
	v := identityOf(r).viewer
	return &v
}
