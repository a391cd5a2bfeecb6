package bot

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	perPage = 8
	// maxPage and maxQuery keep the data of a button within Telegram's 64 bytes:
	// "\fdev|", an id (13 at most in base 36), a page (3), a query, two bars.
	maxPage  = 999
	maxQuery = 40
	// maxButton is the length of a device's name on a button, in UTF-16 units.
	maxButton = 40
)

// visible lists devices that the user may see. Every handler reads devices
// through it.
func (b *Bot) visible(ctx context.Context, u data.User, f storage.DeviceFilter) ([]data.Device, error) {
	if u.ID == 0 {
		return nil, fmt.Errorf("list devices of no user: %w", data.ErrDenied)
	}
	v, err := access.NewViewer(ctx, b.store, u)
	if err != nil {
		return nil, err
	}
	if f.IDs == nil {
		f.IDs = v.DeviceIDs()
	} else {
		f.IDs = slices.DeleteFunc(f.IDs, func(id int64) bool { return !v.CanSee(id) })
	}
	return b.store.ListDevices(ctx, f)
}

// device returns one device that the user may see; ok is false if there is none.
func (b *Bot) device(ctx context.Context, u data.User, id int64) (d data.Device, ok bool, err error) {
	found, err := b.visible(ctx, u, storage.DeviceFilter{IDs: []int64{id}, Limit: 1})
	if err != nil || len(found) == 0 {
		return d, false, err
	}
	return found[0], true, nil
}

// place is a page of the list of devices: where "back" leads.
type place struct {
	page  int
	query string
}

func (p place) String() string { return strconv.Itoa(p.page) + "|" + p.query }

// parsePlace reads what String wrote. Anything else is the first page of all.
func parsePlace(s string) place {
	page, query, _ := strings.Cut(s, "|")
	n, err := strconv.Atoi(page)
	if err != nil || n < 0 || n > maxPage {
		n = 0
	}
	return place{n, cutQuery(query)}
}

// cutQuery makes a search fit into a button: one line of at most maxQuery bytes.
func cutQuery(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxQuery {
		return s
	}
	s = s[:maxQuery]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return strings.TrimSpace(s)
}

// devices lists the devices, or those that contain a text.
func (b *Bot) devices(ctx context.Context, r *request) error {
	return b.list(ctx, r, place{query: cutQuery(r.arg)})
}

// listPage turns to a page of the list.
func (b *Bot) listPage(ctx context.Context, r *request) error {
	return b.list(ctx, r, parsePlace(r.arg))
}

func (b *Bot) list(ctx context.Context, r *request, p place) error {
	filter := storage.DeviceFilter{Keyword: p.query, Limit: perPage + 1, Offset: p.page * perPage}
	found, err := b.visible(ctx, r.user, filter)
	if err == nil && len(found) == 0 && p.page > 0 { // the list has become shorter
		p.page, filter.Offset = 0, 0
		found, err = b.visible(ctx, r.user, filter)
	}
	if err != nil {
		return err
	}
	if len(found) == 0 {
		answer := r.lang.DevicesNone
		if p.query != "" {
			answer = text.Format(r.lang.DevicesNoneFound, "query", p.query)
		}
		return b.show(ctx, r, answer, nil)
	}
	more := len(found) > perPage && p.page < maxPage
	found = found[:min(len(found), perPage)]
	title := r.lang.DevicesTitle
	if p.query != "" {
		title = r.lang.DevicesFound
	}
	html := text.Format(title, "query", p.query, "from", p.page*perPage+1, "to", p.page*perPage+len(found))
	buttons := b.deviceButtons(found, "dev", "|"+p.String())
	var turn []button
	if p.page > 0 {
		turn = append(turn, button{r.lang.PreviousButton, tap("list", place{p.page - 1, p.query}.String())})
	}
	if more {
		turn = append(turn, button{r.lang.NextButton, tap("list", place{p.page + 1, p.query}.String())})
	}
	if len(turn) > 0 {
		buttons = append(buttons, turn)
	}
	return b.show(ctx, r, html, buttons)
}

// deviceButtons makes a row with status and name per device, for a handler that
// reads the device's id in base 36 and what is in rest.
func (b *Bot) deviceButtons(devices []data.Device, handler, rest string) keyboard {
	now := b.now()
	var rows keyboard
	for i := range devices {
		d := &devices[i]
		label := dot(statusOf(d, now)) + " " + text.Clean(deviceName(d), maxButton)
		rows = append(rows, []button{{label, tap(handler, strconv.FormatInt(d.ID, 36)+rest)}})
	}
	return rows
}

// deviceName is the name of a device; it may have none that can be seen.
func deviceName(d *data.Device) string {
	for _, name := range []string{d.Name, d.UniqueID} {
		if text.Clean(name, maxButton) != "" {
			return name
		}
	}
	return "#" + strconv.FormatInt(d.ID, 10)
}

func parseDevice(s string) (id int64, rest string) {
	first, rest, _ := strings.Cut(s, "|")
	id, err := strconv.ParseInt(first, 36, 64)
	if err != nil {
		return 0, rest // no device has it
	}
	return id, rest
}
