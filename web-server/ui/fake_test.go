package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const dateFormat = "2006-01-02T15:04:05.000-07:00"

type object map[string]any

// fake is the API in memory: what the page needs of it, answering as the real
// one does.
type fake struct {
	*httptest.Server
	page http.Handler

	mu        sync.Mutex
	users     []object          // with "password"
	sessions  map[string]object // cookie -> user
	devices   []object
	latest    map[int]object
	history   map[int][]object
	unknown   []object
	telegram  object
	botOff    bool
	sockets   map[*websocket.Conn]context.CancelFunc
	nextID    int
	nextCooky int
}

func newFake(t *testing.T, page http.Handler) *fake {
	f := &fake{
		page: page, sessions: map[string]object{}, latest: map[int]object{}, history: map[int][]object{},
		telegram: object{"connected": false, "name": ""}, sockets: map[*websocket.Conn]context.CancelFunc{}, nextID: 1,
	}
	f.Server = httptest.NewServer(f.routes())
	t.Cleanup(func() {
		f.cut()
		f.Close()
	})
	return f
}

func (f *fake) id() int {
	f.nextID++
	return f.nextID
}

func (f *fake) addUser(name, email, password string) object {
	u := object{"id": f.id(), "name": name, "email": email, "administrator": len(f.users) == 0, "attributes": object{}, "password": password}
	f.users = append(f.users, u)
	return u
}

func (f *fake) addDevice(name, uniqueID string) object {
	d := object{
		"id": f.id(), "name": name, "uniqueId": uniqueID, "status": "offline", "lastUpdate": nil, "positionId": 0, "groupId": 0,
		"calendarId": 0, "phone": nil, "model": nil, "contact": nil, "category": nil, "disabled": false, "expirationTime": nil, "attributes": object{},
	}
	f.devices = append(f.devices, d)
	return d
}

func (f *fake) device(id int) object {
	for _, d := range f.devices {
		if d["id"] == id {
			return d
		}
	}
	return nil
}

type fix struct {
	lat, lon, kmh, course float64
	at                    time.Time
	attributes            object
}

// position records a fix and makes the device online.
func (f *fake) position(id int, x fix) object {
	if x.attributes == nil {
		x.attributes = object{}
	}
	at := x.at.UTC().Format(dateFormat)
	p := object{
		"id": f.id(), "deviceId": id, "protocol": "teltonika", "serverTime": at, "deviceTime": at, "fixTime": at, "valid": true,
		"latitude": x.lat, "longitude": x.lon, "altitude": 38.0, "speed": x.kmh / 1.852, "course": math.Mod(x.course+360, 360), "accuracy": 0.0,
		"address": nil, "network": nil, "geofenceIds": nil, "attributes": x.attributes,
	}
	f.latest[id] = p
	f.history[id] = append(f.history[id], p)
	d := f.device(id)
	d["status"], d["lastUpdate"], d["positionId"] = "online", at, p["id"]
	return p
}

// move is position, told to every socket.
func (f *fake) move(id int, x fix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.position(id, x)
	f.tell(object{"devices": []object{f.device(id)}})
	f.tell(object{"positions": []object{p}})
}

func (f *fake) tell(m object) {
	b, _ := json.Marshal(m)
	for c := range f.sockets {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_ = c.Write(ctx, websocket.MessageText, b)
		cancel()
	}
}

// cut ends every socket, as a restart of the server would.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c, cancel := range f.sockets {
		cancel()
		_ = c.CloseNow()
		delete(f.sockets, c)
	}
}

func (f *fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", f.page)
	open := func(pattern string, h func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			h(w, r)
		})
	}
	signed := func(pattern string, h func(w http.ResponseWriter, r *http.Request)) {
		open(pattern, func(w http.ResponseWriter, r *http.Request) {
			if f.user(r) == nil {
				http.Error(w, "Unauthorized", 401)
				return
			}
			h(w, r)
		})
	}
	open("GET /api/server", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, object{"id": 1, "newServer": len(f.users) == 0, "version": "0.1.0", "registration": false, "attributes": object{}})
	})
	open("GET /api/session", func(w http.ResponseWriter, r *http.Request) {
		if u := f.user(r); u != nil {
			reply(w, public(u))
			return
		}
		http.Error(w, "no session", 404)
	})
	open("POST /api/session", f.login)
	open("DELETE /api/session", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("JSESSIONID"); err == nil {
			delete(f.sessions, c.Value)
		}
		w.WriteHeader(204)
	})
	open("POST /api/users", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		if len(f.users) > 0 {
			http.Error(w, "registration is closed", 400)
			return
		}
		reply(w, public(f.addUser(in["name"].(string), in["email"].(string), in["password"].(string))))
	})
	signed("GET /api/devices", func(w http.ResponseWriter, _ *http.Request) { reply(w, list(f.devices)) })
	signed("POST /api/devices", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		for _, d := range f.devices {
			if d["uniqueId"] == in["uniqueId"] {
				http.Error(w, "device with this identifier exists", 400)
				return
			}
		}
		reply(w, f.addDevice(in["name"].(string), in["uniqueId"].(string)))
	})
	signed("PUT /api/devices/{id}", func(w http.ResponseWriter, r *http.Request) {
		d := f.device(pathID(r))
		d["name"] = read(r)["name"]
		reply(w, d)
	})
	signed("DELETE /api/devices/{id}", func(w http.ResponseWriter, r *http.Request) {
		for i, d := range f.devices {
			if d["id"] == pathID(r) {
				f.devices = append(f.devices[:i:i], f.devices[i+1:]...)
				break
			}
		}
		w.WriteHeader(204)
	})
	signed("GET /api/positions", f.positions)
	signed("GET /api/unknown-devices", func(w http.ResponseWriter, _ *http.Request) { reply(w, list(f.unknown)) })
	signed("POST /api/unknown-devices/register", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		for i, u := range f.unknown {
			if u["uniqueId"] == in["uniqueId"] && u["protocol"] == in["protocol"] {
				f.unknown = append(f.unknown[:i:i], f.unknown[i+1:]...)
				reply(w, f.addDevice(in["name"].(string), in["uniqueId"].(string)))
				return
			}
		}
		http.Error(w, "no such unknown device", 404)
	})
	signed("GET /api/telegram/link", func(w http.ResponseWriter, _ *http.Request) { reply(w, f.telegram) })
	signed("POST /api/telegram/link", func(w http.ResponseWriter, _ *http.Request) {
		if f.botOff {
			http.Error(w, "the Telegram bot is not configured", 409)
			return
		}
		reply(w, object{"url": "https://t.me/waymark_bot?start=ABCD2345", "code": "ABCD2345", "expiresAt": time.Now().Add(15 * time.Minute).UTC().Format(dateFormat)})
	})
	signed("DELETE /api/telegram/link", func(w http.ResponseWriter, _ *http.Request) {
		f.telegram = object{"connected": false, "name": ""}
		w.WriteHeader(204)
	})
	mux.HandleFunc("GET /api/socket", f.socket)
	return mux
}

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	for _, u := range f.users {
		if strings.EqualFold(u["email"].(string), r.FormValue("email")) && u["password"] == r.FormValue("password") {
			f.nextCooky++
			v := fmt.Sprintf("session-%d", f.nextCooky)
			f.sessions[v] = u
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: v, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
			reply(w, public(u))
			return
		}
	}
	http.Error(w, "Unauthorized", 401)
}

func (f *fake) positions(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	out := []object{}
	if q.Get("deviceId") == "" {
		for _, d := range f.devices {
			if p := f.latest[d["id"].(int)]; p != nil {
				out = append(out, p)
			}
		}
		reply(w, out)
		return
	}
	id, _ := strconv.Atoi(q.Get("deviceId"))
	from, err1 := time.Parse(time.RFC3339, q.Get("from"))
	to, err2 := time.Parse(time.RFC3339, q.Get("to"))
	if err1 != nil || err2 != nil {
		http.Error(w, "from and to must be dates", 400)
		return
	}
	for _, p := range f.history[id] {
		if at, _ := time.Parse(dateFormat, p["fixTime"].(string)); !at.Before(from) && at.Before(to) {
			out = append(out, p)
		}
	}
	reply(w, out)
}

func (f *fake) socket(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	u := f.user(r)
	f.mu.Unlock()
	if u == nil {
		http.Error(w, "Unauthorized", 401)
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.mu.Lock()
	first := []object{}
	for _, p := range f.latest {
		first = append(first, p)
	}
	b, _ := json.Marshal(object{"positions": first})
	_ = c.Write(ctx, websocket.MessageText, b)
	_ = c.Write(ctx, websocket.MessageText, []byte("{}"))
	f.sockets[c] = cancel
	f.mu.Unlock()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			break
		}
	}
	f.mu.Lock()
	delete(f.sockets, c)
	f.mu.Unlock()
	cancel()
	_ = c.CloseNow()
}

func (f *fake) user(r *http.Request) object {
	c, err := r.Cookie("JSESSIONID")
	if err != nil {
		return nil
	}
	return f.sessions[c.Value]
}

func public(u object) object {
	out := object{}
	for k, v := range u {
		out[k] = v
	}
	out["password"] = nil
	return out
}

func list(l []object) []object {
	if l == nil {
		return []object{}
	}
	return l
}

func read(r *http.Request) object {
	var o object
	_ = json.NewDecoder(r.Body).Decode(&o)
	return o
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func pathID(r *http.Request) int {
	id, _ := strconv.Atoi(r.PathValue("id"))
	return id
}

// driver invents a believable drive: straight streets, turns, stops at lights.
type driver struct {
	fix
	rnd  *rand.Rand
	left float64 // seconds until the next turn
	stop float64 // seconds still standing
}

func newDriver(seed uint64, lat, lon float64, at time.Time) *driver {
	r := rand.New(rand.NewPCG(seed, 7))
	return &driver{fix: fix{lat: lat, lon: lon, course: float64(r.IntN(4))*90 + 12, at: at}, rnd: r, left: 60}
}

func (d *driver) step(dt time.Duration) fix {
	s := dt.Seconds()
	d.at = d.at.Add(dt)
	d.left -= s
	if d.stop > 0 {
		d.stop -= s
		d.kmh = 0
	} else {
		d.kmh = math.Min(math.Max(d.kmh+(d.rnd.Float64()-0.42)*16, 14), 68)
		if d.left <= 0 {
			d.course += []float64{-90, 90, -28, 28, 0}[d.rnd.IntN(5)]
			d.left = 20 + d.rnd.Float64()*70
			if d.rnd.IntN(3) == 0 {
				d.stop = 10 + d.rnd.Float64()*30
			}
		}
	}
	m := d.kmh / 3.6 * s
	sin, cos := math.Sincos(d.course * math.Pi / 180)
	d.lat += m * cos / 111_195
	d.lon += m * sin / (111_195 * math.Cos(d.lat*math.Pi/180))
	x := d.fix
	x.attributes = object{
		"ignition": true, "motion": d.kmh > 1, "sat": 9 + d.rnd.IntN(8), "power": 14.1, "batteryLevel": 96, "totalDistance": 48_210_553.0, "hdop": 0.8,
	}
	return x
}
