package sqlite_test

import (
	"testing"

	"github.com/waymark-gps/waymark/util/storage"
)

// TestGapIsFilled opens a database to which a migration was added before those
// it has: the one in between is run.
func TestGapIsFilled(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir).Close()
	execute(t, raw(t, dir), `DROP TABLE server; DROP TABLE media; DROP TABLE links; DROP TABLE objects;
		CREATE TABLE user_devices (user_id INTEGER, device_id INTEGER);
		CREATE TABLE user_commands (user_id INTEGER, command_id INTEGER);
		CREATE TABLE device_commands (device_id INTEGER, command_id INTEGER);
		CREATE TABLE saved_commands (id INTEGER, type TEXT, description TEXT, text_channel INTEGER, attributes TEXT);
		DROP INDEX users_login; DROP INDEX devices_group;
		ALTER TABLE users DROP COLUMN login; ALTER TABLE users DROP COLUMN device_limit;
		ALTER TABLE users DROP COLUMN user_limit; ALTER TABLE users DROP COLUMN profile;
		ALTER TABLE devices DROP COLUMN calendar_id;
		DELETE FROM waymark_schema WHERE version_id = 4;`)
	s := openIn(t, dir)
	if _, err := s.ListLinks(t.Context(), storage.LinkFilter{}); err != nil {
		t.Error(err)
	}
}
