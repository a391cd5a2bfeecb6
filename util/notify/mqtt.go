package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/eclipse/paho.golang/paho"

	"github.com/waymark-gps/waymark/data"
)

// mqtt publishes JSON at an MQTT 5 broker of the account, at least once (QoS 1).
// The user property "id" is the same if a message comes again.
type mqtt struct{ out *outside }

// attrMQTTURL is the attribute of an account with the broker and the topic, like
// mqtts://user:password@example.org:8883/waymark/alerts.
const attrMQTTURL = "notify.mqttUrl"

func (*mqtt) Name() string { return data.ChannelMQTT }

func (*mqtt) Missing(u *data.User) string {
	return missing(u, attrMQTTURL, "the broker and the topic")
}

func (c *mqtt) Send(ctx context.Context, u *data.User, d *data.Delivery) error {
	to, err := address(attribute(u, attrMQTTURL), "mqtts", "mqtt")
	if err != nil {
		return err
	}
	topic := strings.Trim(to.Path, "/")
	if topic == "" || strings.ContainsAny(topic, "+#") {
		return final("notify.mqttUrl must name a topic, like mqtts://example.org/waymark/alerts")
	}
	port := to.Port()
	if port == "" {
		port = map[string]string{"mqtt": "1883", "mqtts": "8883"}[to.Scheme]
	}
	conn, err := c.out.dial(ctx, u, net.JoinHostPort(to.Hostname(), port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if to.Scheme == "mqtts" {
		conn = tls.Client(conn, &tls.Config{ServerName: to.Hostname(), MinVersion: tls.VersionTLS12})
	}
	client := paho.NewClient(paho.ClientConfig{Conn: conn, PacketTimeout: sendTimeout})
	connect := &paho.Connect{ClientID: "waymark-" + id(d), CleanStart: true, KeepAlive: 60}
	if password, ok := to.User.Password(); ok || to.User.Username() != "" {
		connect.Username, connect.UsernameFlag = to.User.Username(), true
		connect.Password, connect.PasswordFlag = []byte(password), ok
	}
	answer, err := client.Connect(ctx, connect)
	if answer != nil && answer.ReasonCode >= 0x80 {
		return final("the broker refused us with the code 0x%02x", answer.ReasonCode)
	}
	if err != nil {
		return fmt.Errorf("connect to the broker: %w", err)
	}
	// What was published has arrived; how we part does not matter.
	defer func() { _ = client.Disconnect(&paho.Disconnect{}) }()
	published, err := client.Publish(ctx, &paho.Publish{
		Topic: topic, QoS: 1, Payload: d.Details,
		Properties: &paho.PublishProperties{ContentType: "application/json", User: paho.UserProperties{{Key: "id", Value: id(d)}}},
	})
	if published != nil && published.ReasonCode >= 0x80 {
		return final("the broker refused the message with the code 0x%02x", published.ReasonCode)
	}
	if err != nil {
		return errors.New("the broker did not take the message: " + err.Error())
	}
	return nil
}
