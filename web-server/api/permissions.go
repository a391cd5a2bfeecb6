package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
)

// maxLinks bounds the links of one request and of one answer.
const (
	maxLinks       = 10_000
	maxListedLinks = 100_000
)

const permissionForm = `send the owner, then what belongs to it, and nothing else, like {"userId":1,"deviceId":2}, {"groupId":1,"geofenceId":2} or {"deviceId":1,"commandId":2}`

// postPermission links a property to an owner, postPermissions several.
func (s *Server) postPermission(w http.ResponseWriter, r *http.Request) error {
	return s.changeLinks(w, r, false, true)
}

func (s *Server) postPermissions(w http.ResponseWriter, r *http.Request) error {
	return s.changeLinks(w, r, true, true)
}

// deletePermission ends a link, deletePermissions several; ending what is not
// there is no error.
func (s *Server) deletePermission(w http.ResponseWriter, r *http.Request) error {
	return s.changeLinks(w, r, false, false)
}

func (s *Server) deletePermissions(w http.ResponseWriter, r *http.Request) error {
	return s.changeLinks(w, r, true, false)
}

// changeLinks adds or removes the links of the body, all or none.
func (s *Server) changeLinks(w http.ResponseWriter, r *http.Request, many, add bool) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if isTooLarge(err) {
			return err
		}
		return invalid("the body cannot be read")
	}
	links, err := parseLinks(body, many)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	for _, l := range links {
		if err := mayLink(v, l, add); err != nil {
			return err
		}
	}
	action, change := actionUnlink, s.deps.Store.RemoveLinks
	if add {
		action, change = actionLink, s.deps.Store.AddLinks
	}
	if err := change(r.Context(), links...); err != nil {
		return hidden(err)
	}
	s.accessChanged(r, linksChanged(links))
	for _, l := range links {
		s.record(r, action, l.Owner, l.OwnerID, map[string]any{"property": string(l.Property), "propertyId": l.PropertyID})
	}
	return writeNothing(w)
}

// mayLink decides who may link what. What the sender cannot see does not exist.
//
// Administrators may everything. Others link, to the accounts they manage, to
// their groups and to their devices, what they own themselves. They give nothing
// to their own account (it would outlive the group or the device it comes from)
// but may take from it; and who manages whom is for administrators.
func mayLink(v *access.Viewer, l data.Link, add bool) error {
	if v.Administrator() {
		return nil
	}
	self := l.Owner == data.UserKind && l.OwnerID == v.User.ID
	switch {
	case l.Property == data.ManagedUserKind:
		return errAdministratorsOnly
	case l.Owner == data.UserKind && !v.Manager():
		return fmt.Errorf("%w: only managers and administrators may give or take what people see", data.ErrDenied)
	case !v.Sees(l.Owner, l.OwnerID) || !v.Sees(l.Property, l.PropertyID):
		return errNoSuchObject
	}
	if err := v.MayEdit(l.Owner); err != nil {
		return err
	}
	if err := v.MayEdit(l.Property); err != nil {
		return err
	}
	switch {
	case self && add:
		return fmt.Errorf("%w: only administrators may add to your account", data.ErrDenied)
	case !self && !v.Owns(l.Property, l.PropertyID):
		return fmt.Errorf("%w: you see this %s because it is linked to one of your devices; it belongs to somebody else", data.ErrDenied, l.Property)
	}
	return nil
}

// parseLinks reads one link, or with many a list of links.
func parseLinks(body []byte, many bool) ([]data.Link, error) {
	if !many {
		l, err := parseLink(body)
		return []data.Link{l}, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil || list == nil {
		return nil, invalid("send a list of permissions")
	}
	if len(list) > maxLinks {
		return nil, invalid("there are %d permissions, send at most %d at once", len(list), maxLinks)
	}
	links := make([]data.Link, len(list))
	for i, raw := range list {
		var err error
		if links[i], err = parseLink(raw); err != nil {
			return nil, err
		}
	}
	return links, nil
}

// parseLink reads {"userId":1,"deviceId":2} and the like. The order counts: the
// owner is first.
func parseLink(body []byte) (l data.Link, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var kinds [2]data.ObjectKind
	var ids [2]int64
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return l, invalid(permissionForm)
	}
	for i := range kinds {
		if kinds[i], ids[i], err = parseEnd(d); err != nil {
			return l, err
		}
	}
	if end, err := d.Token(); err != nil || end != json.Delim('}') {
		return l, invalid(permissionForm)
	}
	if _, err := d.Token(); err != io.EOF {
		return l, invalid(permissionForm)
	}
	l = data.Link{Owner: kinds[0], OwnerID: ids[0], Property: kinds[1], PropertyID: ids[1]}
	if !slices.Contains(data.LinkRules[l.Owner], l.Property) {
		return l, invalid("a %s cannot be linked to a %s: "+permissionForm, l.Property, l.Owner)
	}
	return l, nil
}

// parseEnd reads one key and its id.
func parseEnd(d *json.Decoder) (kind data.ObjectKind, id int64, err error) {
	key, err := d.Token()
	name, isText := key.(string)
	if err != nil || !isText {
		return "", 0, invalid(permissionForm)
	}
	name, isID := strings.CutSuffix(name, "Id")
	if !isID {
		return "", 0, invalid(permissionForm)
	}
	var raw json.RawMessage
	if err = d.Decode(&raw); err == nil { // ids in addresses of a page are texts to it
		id, err = strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	}
	if err != nil || id <= 0 {
		return "", 0, invalid("%sId must be a number above 0", name)
	}
	return data.ObjectKind(name), id, nil
}

// getPermissions lists links: ?ownerKey=userId&propKey=deviceId, or the keys
// with ids, ?userId=1&deviceId=0, where 0 is any.
func (s *Server) getPermissions(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	var f storage.LinkFilter
	owner, property := q.Get("ownerKey"), q.Get("propKey")
	for of, properties := range data.LinkRules {
		for _, p := range properties {
			a, b := string(of)+"Id", string(p)+"Id"
			if (owner == a && property == b) || (owner == "" && property == "" && q.Has(a) && q.Has(b)) {
				f.Owner, f.Property = of, p
			}
		}
	}
	if f.Owner == "" {
		return invalid("say which permissions: ownerKey=userId&propKey=deviceId")
	}
	if f.OwnerIDs, err = q.anyID(string(f.Owner) + "Id"); err != nil {
		return err
	}
	if f.PropertyIDs, err = q.anyID(string(f.Property) + "Id"); err != nil {
		return err
	}
	links, err := s.deps.Store.ListLinks(r.Context(), f)
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	if len(links) > maxListedLinks {
		return invalid("there are %d permissions: name an owner or a property", len(links))
	}
	return writeJSON(w, appendList(nil, len(links), func(b []byte, i int) []byte {
		l := &links[i]
		b = append(append(append(b, `{"`...), l.Owner...), `Id":`...)
		b = strconv.AppendInt(b, l.OwnerID, 10)
		b = append(append(append(b, `,"`...), l.Property...), `Id":`...)
		return append(strconv.AppendInt(b, l.PropertyID, 10), '}')
	}))
}

// anyID reads an id as a list of it, nil for none or 0.
func (q query) anyID(name string) ([]int64, error) {
	id, err := q.number(name)
	if err != nil || id == 0 {
		return nil, err
	}
	return []int64{id}, nil
}
