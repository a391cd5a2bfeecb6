package traccar

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// groups makes groups, those that hold others first.
func (m *mover) groups(ctx context.Context) error {
	count := Count{Kind: "groups"}
	known, err := storage.ListObjects[data.Group](ctx, m.to, storage.ObjectFilter{})
	if err != nil {
		return err
	}
	var waiting []record
	if err := m.from.all(ctx, "tc_groups", false, func(r record) error { waiting = append(waiting, r); return nil }); err != nil {
		return err
	}
	for len(waiting) > 0 {
		var later []record
		for _, r := range waiting {
			parent := r.int("groupid")
			if parent != 0 && m.id(data.GroupKind, parent) == 0 {
				later = append(later, r)
				continue
			}
			if err := m.group(ctx, r, known, &count); err != nil {
				return err
			}
		}
		if len(later) == len(waiting) { // their parents do not exist, or they hold each other
			later[0]["groupid"] = int64(0)
		}
		waiting = later
	}
	m.report.Objects = append(m.report.Objects, count)
	return nil
}

func (m *mover) group(ctx context.Context, r record, known []data.Group, count *Count) error {
	g := data.Group{Name: r.text("name"), Attributes: r.free(), GroupID: m.id(data.GroupKind, r.int("groupid"))}
	for i := range known {
		if known[i].Name == g.Name && known[i].GroupID == g.GroupID {
			count.Known++
			m.is(data.GroupKind, r.int("id"), known[i].ID)
			return nil
		}
	}
	if err := m.make(func() error { return m.to.CreateObject(ctx, &g) }, &g.ID); err != nil {
		return fmt.Errorf("make group %q: %w", g.Name, err)
	}
	count.Made++
	m.is(data.GroupKind, r.int("id"), g.ID)
	return nil
}

func (m *mover) devices(ctx context.Context) error {
	count := Count{Kind: "devices"}
	err := m.from.all(ctx, "tc_devices", true, func(r record) error {
		d := data.Device{
			Name: r.text("name"), UniqueID: r.text("uniqueid"), GroupID: m.id(data.GroupKind, r.int("groupid")),
			Phone: r.text("phone"), Model: r.text("model"), Contact: r.text("contact"), Category: r.text("category"),
			Disabled: r.bool("disabled"), ExpiresAt: r.time("expirationtime"), Attributes: r.free(),
		}
		if len(m.o.Devices) > 0 {
			at := slices.Index(m.wanted, d.UniqueID)
			if at < 0 {
				return nil
			}
			m.wanted = slices.Delete(m.wanted, at, at+1)
		}
		if d.UniqueID == "" {
			count.skip("device %d has no unique id", r.int("id"))
			return nil
		}
		d.Name = cmp.Or(d.Name, d.UniqueID)
		have, err := m.to.DeviceByUniqueID(ctx, d.UniqueID)
		switch {
		case err == nil:
			count.Known++
			d.ID = have.ID
		case !errors.Is(err, data.ErrNotFound):
			return err
		default:
			if err := m.make(func() error { return m.to.CreateDevice(ctx, &d) }, &d.ID); err != nil {
				return fmt.Errorf("make device %q: %w", d.UniqueID, err)
			}
			count.Made++
		}
		m.is(data.DeviceKind, r.int("id"), d.ID)
		return nil
	})
	if err == nil && len(m.wanted) > 0 {
		err = fmt.Errorf("there is no device %q in the other database: %w", m.wanted, data.ErrNotFound)
	}
	m.report.Objects = append(m.report.Objects, count)
	return err
}

func (m *mover) users(ctx context.Context) error {
	count := Count{Kind: "users"}
	err := m.from.all(ctx, "tc_users", true, func(r record) error {
		u := data.User{
			Name: r.text("name"), Email: strings.ToLower(strings.TrimSpace(r.text("email"))), Login: strings.ToLower(strings.TrimSpace(r.text("login"))),
			PasswordHash: password(r), Administrator: r.bool("administrator"), Disabled: r.bool("disabled"),
			Readonly: r.bool("readonly"), DeviceReadonly: r.bool("devicereadonly"), LimitCommands: r.bool("limitcommands"),
			DeviceLimit: limit(r, "devicelimit", data.NoLimit), UserLimit: limit(r, "userlimit", 0), ExpiresAt: r.time("expirationtime"), Attributes: r.free(),
			Profile: data.Profile{
				Phone: r.text("phone"), DisableReports: r.bool("disablereports"), FixedEmail: r.bool("fixedemail"), Map: r.text("map"),
				CoordinateFormat: r.text("coordinateformat"), PoiLayer: r.text("poilayer"),
				Latitude: r.float("latitude"), Longitude: r.float("longitude"), Zoom: r.int("zoom"),
			},
		}
		if u.Email == "" || r.bool("temporary") {
			count.skip("user %d has no e-mail, or was made to share something for a while", r.int("id"))
			return nil
		}
		have, err := m.to.UserByEmail(ctx, u.Email)
		switch {
		case err == nil:
			count.Known++
			u.ID = have.ID
		case !errors.Is(err, data.ErrNotFound):
			return err
		default:
			err := m.make(func() error { return m.to.CreateUser(ctx, &u) }, &u.ID)
			if errors.Is(err, data.ErrConflict) { // the login is somebody else's
				count.skip("user %s: %v", u.Email, err)
				return nil
			}
			if err != nil {
				return fmt.Errorf("make user %q: %w", u.Email, err)
			}
			count.Made++
		}
		m.is(data.UserKind, r.int("id"), u.ID)
		return nil
	})
	m.report.Objects = append(m.report.Objects, count)
	return err
}

// limit is a number that an older server does not have.
func limit(r record, column string, missing int64) int64 {
	if r[column] == nil || r[column] == "" {
		return missing
	}
	return r.int(column)
}

// iterations are those of that server's hashes: PBKDF2-HMAC-SHA1, 24 bytes in
// hexadecimal digits with a salt of 24 bytes.
const iterations = 1000

// password is the hash in the form that signing in understands; none if there is
// no password, as with accounts of another directory.
func password(r record) string {
	hash, err1 := hex.DecodeString(strings.TrimSpace(r.text("hashedpassword")))
	salt, err2 := hex.DecodeString(strings.TrimSpace(r.text("salt")))
	if err1 != nil || err2 != nil || len(hash) == 0 || len(salt) == 0 {
		return ""
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$pbkdf2-sha1$i=%d$%s$%s", iterations, b64.EncodeToString(salt), b64.EncodeToString(hash))
}

func (m *mover) geofences(ctx context.Context) error {
	count := Count{Kind: "geofences"}
	known, err := storage.ListObjects[data.Geofence](ctx, m.to, storage.ObjectFilter{})
	if err != nil {
		return err
	}
	err = m.from.all(ctx, "tc_geofences", false, func(r record) error {
		g := data.Geofence{Name: r.text("name"), Description: data.Text(r.text("description")), Area: r.text("area"), Attributes: r.free()}
		if problem := checkArea(g.Area); problem != nil {
			count.skip("geofence %q: %v", g.Name, problem)
			return nil
		}
		for i := range known {
			if known[i].Name == g.Name && known[i].Area == g.Area {
				count.Known++
				m.is(data.GeofenceKind, r.int("id"), known[i].ID)
				return nil
			}
		}
		if err := m.make(func() error { return m.to.CreateObject(ctx, &g) }, &g.ID); err != nil {
			return fmt.Errorf("make geofence %q: %w", g.Name, err)
		}
		count.Made++
		m.is(data.GeofenceKind, r.int("id"), g.ID)
		return nil
	})
	m.report.Objects = append(m.report.Objects, count)
	return err
}

// linkTables are the tables of links, with the columns of owner and property.
var linkTables = []struct {
	table, owner, property string
	from, to               data.ObjectKind
}{
	{"tc_user_device", "userid", "deviceid", data.UserKind, data.DeviceKind},
	{"tc_user_group", "userid", "groupid", data.UserKind, data.GroupKind},
	{"tc_user_geofence", "userid", "geofenceid", data.UserKind, data.GeofenceKind},
	{"tc_user_user", "userid", "manageduserid", data.UserKind, data.ManagedUserKind},
	{"tc_device_geofence", "deviceid", "geofenceid", data.DeviceKind, data.GeofenceKind},
	{"tc_group_geofence", "groupid", "geofenceid", data.GroupKind, data.GeofenceKind},
}

func (m *mover) links(ctx context.Context) error {
	for _, t := range linkTables {
		var links []data.Link
		err := m.from.all(ctx, t.table, false, func(r record) error {
			l := data.Link{Owner: t.from, OwnerID: m.id(t.from, r.int(t.owner)), Property: t.to, PropertyID: m.id(t.to.Base(), r.int(t.property))}
			if l.OwnerID != 0 && l.PropertyID != 0 {
				links = append(links, l)
			}
			return nil
		})
		if err != nil {
			return err
		}
		m.report.Links += len(links)
		for some := range slices.Chunk(links, 1000) {
			if m.o.DryRun {
				break
			}
			if err := m.to.AddLinks(ctx, some...); err != nil {
				return fmt.Errorf("link as %s does: %w", t.table, err)
			}
		}
	}
	return nil
}
