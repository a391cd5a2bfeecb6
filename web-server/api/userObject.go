package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

// userAnswer is the API's user object. The password is never told.
type userAnswer struct {
	ID               int64        `json:"id"`
	Attributes       data.Free    `json:"attributes"`
	Name             string       `json:"name"`
	Login            data.Text    `json:"login"`
	Email            string       `json:"email"`
	Phone            data.Text    `json:"phone"`
	Readonly         bool         `json:"readonly"`
	Administrator    bool         `json:"administrator"`
	Map              data.Text    `json:"map"`
	Latitude         data.Decimal `json:"latitude"`
	Longitude        data.Decimal `json:"longitude"`
	Zoom             int64        `json:"zoom"`
	CoordinateFormat data.Text    `json:"coordinateFormat"`
	Password         *string      `json:"password"`
	Disabled         bool         `json:"disabled"`
	ExpirationTime   jsonTime     `json:"expirationTime"`
	DeviceLimit      int64        `json:"deviceLimit"`
	UserLimit        int64        `json:"userLimit"`
	DeviceReadonly   bool         `json:"deviceReadonly"`
	LimitCommands    bool         `json:"limitCommands"`
	DisableReports   bool         `json:"disableReports"`
	FixedEmail       bool         `json:"fixedEmail"`
	PoiLayer         data.Text    `json:"poiLayer"`
	TotpKey          *string      `json:"totpKey"`
	Temporary        bool         `json:"temporary"`
}

// jsonTime is a time as the API writes it, null for the zero time.
type jsonTime time.Time

// MarshalJSON implements json.Marshaler.
func (t jsonTime) MarshalJSON() ([]byte, error) { return data.AppendJSONTime(nil, time.Time(t)), nil }

func appendUser(b []byte, u *data.User) []byte {
	j, err := json.Marshal(userAnswer{
		ID: u.ID, Attributes: u.Attributes, Name: u.Name, Login: data.Text(u.Login), Email: u.Email, Phone: data.Text(u.Phone),
		Readonly: u.Readonly, Administrator: u.Administrator, Map: data.Text(u.Map), Latitude: data.Decimal(u.Latitude),
		Longitude: data.Decimal(u.Longitude), Zoom: u.Zoom, CoordinateFormat: data.Text(u.CoordinateFormat),
		Disabled: u.Disabled, ExpirationTime: jsonTime(u.ExpiresAt), DeviceLimit: u.DeviceLimit, UserLimit: u.UserLimit,
		DeviceReadonly: u.DeviceReadonly, LimitCommands: u.LimitCommands, DisableReports: u.DisableReports,
		FixedEmail: u.FixedEmail, PoiLayer: data.Text(u.PoiLayer), Temporary: u.Temporary,
	})
	if err != nil {
		panic(err) // what is stored came from JSON, and so goes back to it
	}
	return append(b, j...)
}

func appendAttributes(b []byte, m map[string]any) []byte {
	j, err := json.Marshal(m)
	if err != nil || len(m) == 0 {
		return append(b, "{}"...)
	}
	return append(b, j...)
}

// userBody is what clients send of a user. A field left out stays as it is.
type userBody struct {
	ID               int64           `json:"id"`
	Name             *string         `json:"name"`
	Login            *string         `json:"login"`
	Email            *string         `json:"email"`
	Phone            *string         `json:"phone"`
	Password         *string         `json:"password"`
	Map              *string         `json:"map"`
	CoordinateFormat *string         `json:"coordinateFormat"`
	PoiLayer         *string         `json:"poiLayer"`
	Latitude         float64         `json:"latitude"`
	Longitude        float64         `json:"longitude"`
	Zoom             int64           `json:"zoom"`
	ExpirationTime   *string         `json:"expirationTime"`
	Attributes       json.RawMessage `json:"attributes"`
	// TotpKey is always null in answers, and nothing else is taken.
	TotpKey *string `json:"totpKey"`
	rights
}

// rights are the fields of an account that its owner does not change.
type rights struct {
	Administrator  bool  `json:"administrator"`
	Disabled       bool  `json:"disabled"`
	Readonly       bool  `json:"readonly"`
	DeviceReadonly bool  `json:"deviceReadonly"`
	LimitCommands  bool  `json:"limitCommands"`
	DisableReports bool  `json:"disableReports"`
	FixedEmail     bool  `json:"fixedEmail"`
	Temporary      bool  `json:"temporary"`
	DeviceLimit    int64 `json:"deviceLimit"`
	UserLimit      int64 `json:"userLimit"`
}

func rightsOf(u *data.User) rights {
	return rights{
		Administrator: u.Administrator, Disabled: u.Disabled, Readonly: u.Readonly, DeviceReadonly: u.DeviceReadonly,
		LimitCommands: u.LimitCommands, DisableReports: u.DisableReports, FixedEmail: u.FixedEmail, Temporary: u.Temporary,
		DeviceLimit: u.DeviceLimit, UserLimit: u.UserLimit,
	}
}

func (r *rights) give(u *data.User) {
	u.Administrator, u.Disabled, u.Readonly, u.DeviceReadonly = r.Administrator, r.Disabled, r.Readonly, r.DeviceReadonly
	u.LimitCommands, u.DisableReports, u.FixedEmail, u.Temporary = r.LimitCommands, r.DisableReports, r.FixedEmail, r.Temporary
	u.DeviceLimit, u.UserLimit = r.DeviceLimit, r.UserLimit
}

// readUser reads the body over u, and returns the new password, "" for none.
func readUser(r *http.Request, u *data.User) (password string, err error) {
	expires := timeText(u.ExpiresAt)
	body := userBody{
		ID: u.ID, Name: &u.Name, Login: &u.Login, Email: &u.Email, Phone: &u.Phone, Map: &u.Map,
		CoordinateFormat: &u.CoordinateFormat, PoiLayer: &u.PoiLayer, Latitude: u.Latitude, Longitude: u.Longitude,
		Zoom: u.Zoom, ExpirationTime: &expires, rights: rightsOf(u),
	}
	if err := readJSON(r, &body); err != nil {
		return "", err
	}
	if u.ID != 0 && body.ID != 0 && body.ID != u.ID {
		return "", invalid("the id of the body is not the id of the address")
	}
	if body.TotpKey != nil && *body.TotpKey != "" {
		return "", invalid("totpKey cannot be set here: turn the second factor on with its key and a code, POST /api/totp")
	}
	for _, field := range []struct {
		name string
		from *string
		to   *string
		max  int
	}{
		{"the name", body.Name, &u.Name, maxUserName},
		{"the login", body.Login, &u.Login, maxUserName},
		{"the phone", body.Phone, &u.Phone, maxUserName},
		{"map", body.Map, &u.Map, maxUserName},
		{"coordinateFormat", body.CoordinateFormat, &u.CoordinateFormat, maxUserName},
		{"poiLayer", body.PoiLayer, &u.PoiLayer, maxText},
	} {
		if *field.to, err = text(field.name, field.from, field.max); err != nil {
			return "", err
		}
	}
	if u.Login = strings.ToLower(u.Login); strings.ContainsFunc(u.Login, isBlank) {
		return "", invalid("the login must not have blanks")
	}
	var email string
	if body.Email != nil {
		email = *body.Email
	}
	if u.Email, err = auth.NormalEmail(email); err != nil {
		return "", err
	}
	if u.Name == "" {
		u.Name = u.Email
	}
	if err := checkMapPlace(body.Latitude, body.Longitude, body.Zoom); err != nil {
		return "", err
	}
	u.Latitude, u.Longitude, u.Zoom = body.Latitude, body.Longitude, body.Zoom
	if u.ExpiresAt, err = optionalTime("expirationTime", body.ExpirationTime); err != nil {
		return "", err
	}
	if u.Attributes, err = attributes(body.Attributes, u.Attributes); err != nil {
		return "", err
	}
	if body.DeviceLimit < data.NoLimit || body.UserLimit < data.NoLimit {
		return "", invalid("deviceLimit and userLimit must be -1 (no limit) or more")
	}
	body.rights.give(u)
	if body.Password != nil {
		password = *body.Password
	}
	return password, nil
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }
