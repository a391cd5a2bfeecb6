package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// postJSON sends a JSON body for an account.
func (o *outside) postJSON(ctx context.Context, u *data.User, method, to string, header map[string]string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return final("the message cannot be written: %v", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(b))
	if err != nil {
		return plain(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	return o.do(u, req)
}

// ntfy publishes to a topic of an ntfy server (https://docs.ntfy.sh/publish/). A
// message that comes again has the same sequence id and replaces the first.
type ntfy struct{ out *outside }

// The attributes of an account: the address of the topic, like
// https://ntfy.sh/topic, and an access token if the topic wants one.
const (
	attrNtfyURL   = "notify.ntfyUrl"
	attrNtfyToken = "notify.ntfyToken"
)

func (*ntfy) Name() string                { return data.ChannelNtfy }
func (*ntfy) Missing(u *data.User) string { return missing(u, attrNtfyURL, "the address of the topic") }

func (c *ntfy) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	to, err := address(attribute(u, attrNtfyURL), "https", "http")
	if err != nil {
		return err
	}
	topic := strings.Trim(to.Path, "/")
	if topic == "" || strings.Contains(topic, "/") {
		return final("notify.ntfyUrl must name a topic, like https://ntfy.sh/topic")
	}
	header := map[string]string{}
	if token := attribute(u, attrNtfyToken); token != "" {
		header["Authorization"] = "Bearer " + token
	}
	// Priorities are 1 to 5, 3 is the usual one.
	priority := map[string]int{data.SeverityInfo: 2, data.SeverityWarning: 3, data.SeverityAlarm: 5}[d.Severity]
	to.Path, to.RawQuery, to.Fragment = "/", "", ""
	return c.out.postJSON(ctx, u, http.MethodPost, to.String(), header, map[string]any{
		"topic": topic, "title": d.Subject, "message": d.Text, "priority": priority, "sequence_id": strings.ReplaceAll(id(d), ".", "-"),
	})
}

// gotify sends to a Gotify server (https://gotify.net/docs/pushmsg). It does not
// know repeats: a crash at the wrong moment shows a message twice.
type gotify struct{ out *outside }

// The attributes of an account: the address of the server and the token of an
// application there.
const (
	attrGotifyURL   = "notify.gotifyUrl"
	attrGotifyToken = "notify.gotifyToken"
)

func (*gotify) Name() string { return data.ChannelGotify }

func (*gotify) Missing(u *data.User) string {
	return missing(u, attrGotifyURL, "the address of the server", attrGotifyToken, "the token of an application")
}

func (c *gotify) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	to, err := address(attribute(u, attrGotifyURL), "https", "http")
	if err != nil {
		return err
	}
	// Priorities are 0 to 10; from 4 on the app makes a sound, from 8 on it wakes.
	priority := map[string]int{data.SeverityInfo: 2, data.SeverityWarning: 5, data.SeverityAlarm: 8}[d.Severity]
	return c.out.postJSON(ctx, u, http.MethodPost, to.JoinPath("message").String(), map[string]string{"X-Gotify-Key": attribute(u, attrGotifyToken)},
		map[string]any{"title": d.Subject, "message": d.Text, "priority": priority, "extras": map[string]any{"waymark::delivery": map[string]string{"id": id(d)}}})
}

// matrix sends to a room (https://spec.matrix.org/v1.11/client-server-api/,
// PUT /rooms/{roomId}/send). The transaction id makes a repeat no second message.
type matrix struct{ out *outside }

// The attributes of an account: the address of the home server, the room's id
// (!abc:example.org) and the access token of the account that writes into it.
const (
	attrMatrixURL   = "notify.matrixUrl"
	attrMatrixRoom  = "notify.matrixRoom"
	attrMatrixToken = "notify.matrixToken"
)

func (*matrix) Name() string { return data.ChannelMatrix }

func (*matrix) Missing(u *data.User) string {
	return missing(u, attrMatrixURL, "the home server", attrMatrixRoom, "the id of the room", attrMatrixToken, "an access token")
}

func (c *matrix) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	to, err := address(attribute(u, attrMatrixURL), "https", "http")
	if err != nil {
		return err
	}
	kind := "m.text"
	if d.Severity == data.SeverityInfo {
		kind = "m.notice" // without a sound
	}
	to.RawQuery, to.Fragment = "", ""
	path := strings.TrimSuffix(to.String(), "/") + "/_matrix/client/v3/rooms/" + url.PathEscape(attribute(u, attrMatrixRoom)) +
		"/send/m.room.message/" + url.PathEscape(id(d))
	return c.out.postJSON(ctx, u, http.MethodPut, path, map[string]string{"Authorization": "Bearer " + attribute(u, attrMatrixToken)},
		map[string]any{"msgtype": kind, "body": d.Subject + "\n" + d.Text})
}
