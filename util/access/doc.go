// Package access decides who may see and change what: every service asks it,
// and nothing else.
//
// An administrator sees everything. Everybody else sees
//   - devices that are linked to the account, and those in a group that is,
//     however deep the group tree;
//   - groups that are linked to the account, and the groups within them;
//   - other things (geofences, notifications, drivers, ...) that are linked to
//     the account, to one of its groups or to one of its devices. What comes by
//     a device alone can be seen and used there, not changed: others who see the
//     device did not agree to that;
//   - the own account, and the accounts it manages. A manager sees and edits
//     these, may list what is linked to them, and may link to them what the
//     manager sees itself; what they see is not among the manager's own things.
//
// Groups that are within themselves are refused where they are written; here
// they end where they began.
package access
