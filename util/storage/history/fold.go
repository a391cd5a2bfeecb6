package history

import (
	"context"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

func arrival(h *Head) storage.Arrival {
	return storage.Arrival{DeviceID: h.DeviceID, Epoch: h.Epoch, Thinned: h.Thinned}
}

// maxEventText bounds the type and the detail of an event, in bytes.
const maxEventText = 256

// clean makes the texts of an event ones that can be stored.
func clean(e *data.Event) {
	e.Type, e.Detail = row.Clean(e.Type, maxEventText), row.Clean(e.Detail, maxEventText)
	for i := range e.Attributes {
		a := &e.Attributes[i]
		if text, ok := a.Value.Text(); ok && !row.IsText(text) {
			a.Value = data.String(row.Clean(text, len(text)))
		}
	}
}

func putFindings(ctx context.Context, tx Tx, findings []storage.Findings) error {
	for i := range findings {
		for j := range findings[i].Events {
			clean(&findings[i].Events[j].Event)
		}
	}
	return tx.PutFindings(ctx, findings)
}

// Refold implements storage.Movement.
func (s *Store) Refold(ctx context.Context, deviceID int64, fold storage.Fold) error {
	err := s.backend.Update(ctx, []int64{deviceID}, func(ctx context.Context, tx Tx, heads map[int64]*Head) error {
		h := heads[deviceID]
		if h == nil {
			return data.ErrNotFound
		}
		findings, err := fold(ctx, []storage.Arrival{arrival(h)})
		if err != nil {
			return err
		}
		h.Epoch++
		if err := tx.SetHeads(ctx, []*Head{h}); err != nil {
			return err
		}
		return putFindings(ctx, tx, findings)
	})
	if err != nil {
		return fmt.Errorf("refold device %d: %w", deviceID, err)
	}
	return nil
}

// InsertEvents implements storage.Events.
func (s *Store) InsertEvents(ctx context.Context, events []data.Event) error {
	var ids []int64
	seen := make(map[int64]bool)
	for i := range events {
		events[i].ID = 0
		if id := events[i].DeviceID; !seen[id] && id <= MaxDeviceID {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err := s.backend.Update(ctx, ids, func(ctx context.Context, tx Tx, heads map[int64]*Head) error {
		var known []*data.Event
		for i := range events {
			if heads[events[i].DeviceID] != nil {
				clean(&events[i])
				known = append(known, &events[i])
			}
		}
		if len(known) == 0 {
			return nil
		}
		return tx.PutEvents(ctx, known)
	})
	if err != nil {
		for i := range events {
			events[i].ID = 0
		}
		return fmt.Errorf("insert events: %w", err)
	}
	return nil
}
