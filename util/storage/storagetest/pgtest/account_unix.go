//go:build unix

package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who runs the server, which refuses to run as root.
type account struct {
	name     string
	uid, gid int // owners of the folders, as this process sees them
	attr     *syscall.SysProcAttr
}

func (a account) apply(c *exec.Cmd) {
	c.SysProcAttr = a.attr
	c.Dir = string(filepath.Separator)
}

// accounts are ourselves, or what root can become: another user, or nobody in
// particular in a user namespace, where a sandbox knows no other users.
func accounts() []account {
	uid, gid := os.Getuid(), os.Getgid()
	if uid != 0 {
		return []account{{name: "this user", uid: uid, gid: gid}}
	}
	var all []account
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 != nil || err2 != nil {
			continue
		}
		credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		all = append(all, account{name, uid, gid, &syscall.SysProcAttr{Credential: credential}})
	}
	return append(all, namespaces(uid, gid)...)
}
