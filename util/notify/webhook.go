package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// webhook posts JSON to an address of the account. It is signed as Standard
// Webhooks has it (https://www.standardwebhooks.com): webhook-signature is
// "v1," and the base64 of HMAC-SHA256 over "<webhook-id>.<webhook-timestamp>.<body>".
// webhook-id, and Idempotency-Key, is the same if a message comes again.
type webhook struct {
	out *outside
	now func() time.Time
}

// The attributes of an account. The secret may be any text; with the prefix
// whsec_ it is base64 of the key.
const (
	attrWebhookURL    = "notify.webhookUrl"
	attrWebhookSecret = "notify.webhookSecret"
)

func (*webhook) Name() string { return data.ChannelWebhook }

func (*webhook) Missing(u *data.User) string {
	return missing(u, attrWebhookURL, "the address to call")
}

// missing says which of some attributes an account has not set.
func missing(u *data.User, pairs ...string) string {
	var lacks []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if attribute(u, pairs[i]) == "" {
			lacks = append(lacks, pairs[i]+" ("+pairs[i+1]+")")
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return "the account has not set " + strings.Join(lacks, ", ")
}

func (w *webhook) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	to, err := address(attribute(u, attrWebhookURL), "https", "http")
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(d.Details))
	if err != nil {
		return plain(err)
	}
	name, stamp := id(d), strconv.FormatInt(w.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", name)
	req.Header.Set("webhook-id", name)
	req.Header.Set("webhook-timestamp", stamp)
	if secret := attribute(u, attrWebhookSecret); secret != "" {
		req.Header.Set("webhook-signature", sign(secret, name, stamp, d.Details))
	}
	return w.out.do(u, req)
}

// sign makes the value of webhook-signature.
func sign(secret, name, stamp string, body []byte) string {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = decoded
		}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name + "." + stamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
