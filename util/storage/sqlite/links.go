package sqlite

import "context"

// LinkDevice implements storage.Links.
func (s *Store) LinkDevice(ctx context.Context, userID, deviceID int64) error {
	_, err := s.exec(ctx, "link device", `INSERT INTO user_devices (user_id, device_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, userID, deviceID)
	return err
}

// UnlinkDevice implements storage.Links.
func (s *Store) UnlinkDevice(ctx context.Context, userID, deviceID int64) error {
	_, err := s.exec(ctx, "unlink device", `DELETE FROM user_devices WHERE user_id = ? AND device_id = ?`, userID, deviceID)
	return err
}

// LinkedDeviceIDs implements storage.Links.
func (s *Store) LinkedDeviceIDs(ctx context.Context, userID int64) ([]int64, error) {
	return list(ctx, s, "list linked devices", scanID, `SELECT device_id FROM user_devices WHERE user_id = ? ORDER BY device_id`, userID)
}
