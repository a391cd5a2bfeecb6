package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/waymark-gps/waymark/data"
)

const (
	streamName = "WAYMARK_POSITIONS"
	// copies is how many servers of a cluster keep each position.
	copies = 3
)

// streamConfig is the stream of positions.
func (b *Bus) streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamName,
		Description: "decoded positions that wait to be stored",
		Subjects:    []string{data.SubjectPositions + ".*"},
		// A message leaves when it is stored; what does not fit is refused, so
		// that the device keeps it.
		Retention: jetstream.WorkQueuePolicy,
		Discard:   jetstream.DiscardNew,
		MaxBytes:  b.max,
		Storage:   jetstream.FileStorage,
		Replicas:  replicas,
	}
}

// openStream finds the stream, or makes it. A cluster that is starting is
// waited for.
func (b *Bus) openStream(ctx context.Context) error {
	for {
		try, cancel := context.WithTimeout(ctx, connectTimeout/3)
		err := b.tryStream(try)
		cancel()
		if err == nil {
			return nil
		}
		if !passing(err) || pause(ctx, retryReceive) != nil {
			return fmt.Errorf("open the stream %s: %w", streamName, setupError(err))
		}
	}
}

func (b *Bus) tryStream(ctx context.Context) (err error) {
	b.stream, err = b.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.stream, err = b.replicated(1, func(n int) (jetstream.Stream, error) { return b.js.CreateStream(ctx, b.streamConfig(n)) })
	}
	return err
}

// passing tells whether an error is one of a cluster that is starting, or lacks
// a server for the moment.
func passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == notAvailable || api.ErrorCode == noPeers
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}

// updateStream gives the stream the settings of this process, which processes
// positions, and more copies when the cluster has grown.
func (b *Bus) updateStream(ctx context.Context) error {
	info, err := b.stream.Info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return b.openStream(ctx)
	}
	if err != nil {
		return fmt.Errorf("ask for the stream %s: %w", streamName, setupError(err))
	}
	is, want := info.Config, b.streamConfig(info.Config.Replicas)
	if is.Retention != want.Retention || is.Storage != want.Storage {
		return fmt.Errorf("the stream %s exists with %s retention and %s storage, it must have %s and %s: delete it when nothing in it is needed (nats stream rm %s), it is made again: %w",
			streamName, is.Retention, is.Storage, want.Retention, want.Storage, streamName, data.ErrConflict)
	}
	same := slices.Equal(is.Subjects, want.Subjects) && is.Discard == want.Discard && is.MaxBytes == want.MaxBytes
	if same && (b.Embedded() || is.Replicas >= copies) {
		return nil
	}
	updated, err := b.replicated(is.Replicas, func(n int) (jetstream.Stream, error) {
		if same && n == is.Replicas {
			return b.stream, nil
		}
		return b.js.UpdateStream(ctx, b.streamConfig(n))
	})
	if err != nil {
		return fmt.Errorf("update the stream %s: %w", streamName, setupError(err))
	}
	_, err = updated.Info(ctx) // the copy of it that others read
	return err
}

// replicated calls f with three copies, and with least where the server says
// that it has no three places for them. A place that is only away for the
// moment counts.
func (b *Bus) replicated(least int, f func(replicas int) (jetstream.Stream, error)) (jetstream.Stream, error) {
	if b.Embedded() {
		return f(1)
	}
	s, err := f(max(copies, least))
	if !fewServers(err) {
		return s, err
	}
	if b.conn.ConnectedClusterName() != "" {
		b.log.Warn("the cluster has no three servers with JetStream: positions have fewer copies", "copies", least, "err", err)
	}
	return f(least)
}

// Codes of the JetStream API (ADR-7) that the client has no names for.
const (
	notAvailable    = 10008 // JetStream system temporarily unavailable
	noPeers         = 10005 // no suitable peers for placement
	noReplicas      = 10074 // replicas > 1 not supported in non-clustered mode
	noMemory        = 10028 // insufficient memory resources available
	noStorage       = 10047 // insufficient storage resources available
	storageLimit    = 10002 // resource limits exceeded for account
	insufficient    = 10023 // insufficient resources
	maxBytesExceeds = 10122 // stream max bytes exceeds account limit max stream bytes
)

func fewServers(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode == noReplicas ||
		api.ErrorCode == noPeers && !strings.Contains(api.Description, "offline") && !strings.Contains(api.Description, "storage")
}

// setupError says what to do about an error of the server.
func setupError(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("the NATS server runs without JetStream, or its cluster has no leader yet: start it with -js (or jetstream {} in its configuration): %w", data.ErrUnavailable)
	}
	if errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("the account of bus.url or bus.credentials-file may not use JetStream: enable it for the account (jetstream: enabled): %w", data.ErrUnavailable)
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		if passing(err) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrDisconnected) {
			return fmt.Errorf("the NATS cluster does not answer; are most of its servers up? %w: %w", data.ErrUnavailable, err)
		}
		return err
	}
	switch api.ErrorCode {
	case notAvailable:
		return fmt.Errorf("the NATS cluster is not ready; are most of its servers up? %w: %w", data.ErrUnavailable, err)
	case noMemory, noStorage, storageLimit, insufficient, maxBytesExceeds:
		return fmt.Errorf("the NATS server or account has too little storage: give it more, or lower bus.max-backlog-mb: %w: %w", data.ErrUnavailable, err)
	case noPeers:
		return fmt.Errorf("the NATS cluster has no place for the stream; are all its servers up, and have they the storage of bus.max-backlog-mb? %w: %w", data.ErrUnavailable, err)
	}
	return err
}
