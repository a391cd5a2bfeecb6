package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// mqttHook stands between the broker and Broker.
type mqttHook struct {
	mqtt.HookBase
	ctx    context.Context
	broker Broker
	limit  time.Duration
	log    *slog.Logger
}

// ID implements mqtt.Hook.
func (*mqttHook) ID() string { return "waymark" }

// Provides implements mqtt.Hook.
func (*mqttHook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSubscribe, mqtt.OnPublish, mqtt.OnWill, mqtt.OnDisconnect,
		mqtt.OnQosPublish, mqtt.OnQosComplete, mqtt.OnQosDropped:
		return true
	}
	return false
}

func (h *mqttHook) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(h.ctx, h.limit)
}

// rescue keeps a panic of a decoder from ending the program.
func (h *mqttHook) rescue(err *error) {
	if p := recover(); p != nil {
		h.log.Error("MQTT client panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = errors.New("internal error")
	}
}

// OnConnect bounds what a client asks for, and keeps the sessions of different
// credentials apart: the broker knows sessions by client id alone.
func (h *mqttHook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	conn, ok := cl.Net.Conn.(*mqttConn)
	if !ok {
		return packets.ErrNotAuthorized
	}
	conn.client.Username = string(pk.Connect.Username)
	conn.client.Password = string(pk.Connect.Password)
	if k := cl.State.Keepalive; k == 0 || k > maxKeepalive {
		cl.State.Keepalive, cl.State.ServerKeepalive = maxKeepalive, true
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s%s", len(conn.client.Username), conn.client.Username, conn.client.Password)
	cl.ID = hex.EncodeToString(sum.Sum(nil)[:16]) + " " + cl.ID
	return nil
}

// OnConnectAuthenticate lets a client in.
func (h *mqttHook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) (ok bool) {
	var err error
	defer func() { ok = ok && err == nil }()
	defer h.rescue(&err)
	conn := cl.Net.Conn.(*mqttConn)
	ctx, cancel := h.context()
	defer cancel()
	conn.topic, ok = h.broker.Connect(ctx, conn.client, pk.Connect.WillTopic, pk.Connect.WillPayload)
	return ok
}

// OnSubscribe narrows subscriptions with wildcards to the client's own topic,
// which is all that it may read: else each message would be held against the
// subscriptions of everybody. What cannot be narrowed becomes invalid.
func (h *mqttHook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	conn := cl.Net.Conn.(*mqttConn)
	have := cl.State.Subscriptions.Len()
	for i := range pk.Filters {
		f := &pk.Filters[i]
		if strings.ContainsAny(f.Filter, "+#") {
			f.Filter = Narrow(f.Filter, conn.topic)
		}
		if have+i >= maxSubscriptions {
			f.Filter = ""
		}
	}
	return pk
}

// Narrow is the part of a subscription with wildcards that concerns a topic and
// what is below it; "" if that is nothing.
func Narrow(filter, topic string) string {
	if topic == "" || strings.HasPrefix(filter, "$") {
		return ""
	}
	levels, own := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range own {
		switch {
		case i == len(levels):
			return ""
		case levels[i] == "#":
			return topic + "/#"
		case levels[i] != "+" && levels[i] != level:
			return ""
		}
		levels[i] = level
	}
	return strings.Join(levels, "/")
}

// OnACLCheck decides about subscriptions and deliveries. Publications are
// decided in OnPublish.
func (h *mqttHook) OnACLCheck(cl *mqtt.Client, topic string, write bool) (ok bool) {
	if write {
		return topic != "" && !strings.HasPrefix(topic, "$")
	}
	var err error
	defer func() { ok = ok && err == nil }()
	defer h.rescue(&err)
	conn, known := cl.Net.Conn.(*mqttConn)
	if !known {
		return false
	}
	ctx, cancel := h.context()
	defer cancel()
	return h.broker.Reads(ctx, conn.client, strings.TrimRight(strings.TrimSuffix(topic, "#"), "/"))
}

// OnPublish takes a publication. The broker acknowledges it when this returns
// without an error.
func (h *mqttHook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline { // ours
		return pk, nil
	}
	conn := cl.Net.Conn.(*mqttConn)
	err := h.publish(conn, &pk)
	pk.FixedHeader.Retain = false // nothing is kept for those who come later
	switch {
	case err == nil:
		return pk, nil
	case errors.Is(err, ErrRefused):
		conn.refusals++
		if pk.FixedHeader.Qos == 0 && conn.refusals < maxRefusals {
			return pk, packets.ErrRejectPacket
		}
		if pk.FixedHeader.Qos == 1 && cl.Properties.ProtocolVersion == 5 && conn.refusals < maxRefusals {
			return pk, packets.ErrNotAuthorized
		}
	default:
		h.log.Warn("publication not taken", "remote", conn.client.Remote, "err", err)
	}
	// Without an acknowledgement the client sends it again when it is back.
	cl.Stop(err)
	return pk, packets.ErrRejectPacket
}

func (h *mqttHook) publish(conn *mqttConn, pk *packets.Packet) (err error) {
	defer h.rescue(&err)
	ctx, cancel := h.context()
	defer cancel()
	return h.broker.Publish(ctx, conn.client, pk.TopicName, pk.Payload)
}

// OnWill keeps last wills from being kept or delayed.
func (*mqttHook) OnWill(_ *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	will.Retain, will.WillDelayInterval = false, 0
	return will, nil
}

// OnQosPublish notes what we send to a client.
func (*mqttHook) OnQosPublish(cl *mqtt.Client, pk packets.Packet, _ int64, _ int) {
	conn, ok := cl.Net.Conn.(*mqttConn)
	if !ok || pk.Origin != mqtt.InlineClientId || pk.TopicName == "" {
		return
	}
	conn.open.mu.Lock()
	defer conn.open.mu.Unlock()
	if conn.sent == nil {
		conn.sent = map[uint16]string{}
	}
	conn.sent[pk.PacketID] = pk.TopicName
}

// OnQosComplete passes on that the client has it.
func (h *mqttHook) OnQosComplete(cl *mqtt.Client, pk packets.Packet) {
	var err error
	defer h.rescue(&err)
	if topic := takeSent(cl, pk.PacketID); topic != "" {
		ctx, cancel := h.context()
		defer cancel()
		h.broker.Acknowledged(ctx, topic)
	}
}

// OnQosDropped notes that the client will not get it.
func (*mqttHook) OnQosDropped(cl *mqtt.Client, pk packets.Packet) { takeSent(cl, pk.PacketID) }

func takeSent(cl *mqtt.Client, id uint16) (topic string) {
	conn, ok := cl.Net.Conn.(*mqttConn)
	if !ok {
		return ""
	}
	conn.open.mu.Lock()
	defer conn.open.mu.Unlock()
	topic = conn.sent[id]
	delete(conn.sent, id)
	return topic
}

// OnDisconnect notes why a client is gone.
func (h *mqttHook) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	if err != nil {
		h.log.Debug("MQTT connection closed", "remote", cl.Net.Remote, "err", err)
	}
}
